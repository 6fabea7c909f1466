import {
  Applied,
  AppliedSlot,
  Heartbeat,
  Hello,
  LedgerHead,
  type Posture,
  type VaultKey,
} from '@raypher/shared';
import type { MachineFacts } from '../identity/machine-facts.ts';
import { AGENT_VERSION } from '../version.ts';
import type { AppliedState } from './enforcer.ts';

export const PROTOCOL_VERSION = 1;
/** What this agent can do, so that the control plane does not ask for more. */
export const CAPABILITIES = [
  'policy.network',
  'freeze.all',
  'freeze.team',
  'freeze.library',
  'freeze.hash',
  'freeze.model',
  'command.scan',
  'command.kill',
  'command.put-secret',
  'command.revoke-secret',
  'command.cut-connection',
  'connections.live',
];

/** What the agent says about itself, gathered when it is asked. */
export interface DeviceReport {
  applied: () => { policy: AppliedState | undefined; freeze: AppliedState | undefined };
  posture: () => Posture[];
  ledgerHead: () => { seq: number; hash: string };
  /** Entries not yet durable at the control plane. */
  queueDepth: () => number;
  /** What secrets for this device are encrypted to, signed by the device key; undefined without a vault. */
  vaultKey: () => VaultKey | undefined;
  /** How far the organisation's log was followed. */
  logSeen: () => { origin: string; size: number };
  counts: () => { processes: number; aiAgents: number; frozenProcesses: number; connections: number };
}

export function buildHello(
  device: string,
  session: string,
  facts: MachineFacts,
  report: DeviceReport,
): Hello {
  const { seq, hash } = report.ledgerHead();
  return {
    deviceId: device,
    bootId: facts.bootId,
    sessionId: session,
    agentVersion: AGENT_VERSION,
    protocolVersion: PROTOCOL_VERSION,
    hostname: facts.hostname,
    os: facts.os,
    kernel: facts.kernel,
    arch: facts.arch,
    capabilities: CAPABILITIES,
    posture: report.posture(),
    applied: buildApplied(report),
    ledgerHead: LedgerHead.fromPartial({ seq: BigInt(seq), hash: Buffer.from(hash, 'hex') }),
    queueDepth: BigInt(report.queueDepth()),
    vaultKey: report.vaultKey(),
  };
}

export function buildHeartbeat(report: DeviceReport, cpuShare: number, now = Date.now()): Heartbeat {
  const { origin, size } = report.logSeen();
  return Heartbeat.fromPartial({
    atMs: BigInt(now),
    queueDepth: BigInt(report.queueDepth()),
    applied: buildApplied(report),
    posture: report.posture(),
    ...report.counts(),
    rssBytes: BigInt(process.memoryUsage.rss()),
    cpuShare,
    logSeen: { origin, size: BigInt(size) },
  });
}

function buildApplied(report: DeviceReport): Applied {
  const { policy, freeze } = report.applied();
  return { policy: buildSlot(policy), freeze: buildSlot(freeze) };
}

function buildSlot(state: AppliedState | undefined): AppliedSlot {
  return {
    revision: BigInt(state?.revision ?? 0),
    digest: Buffer.from(state?.digest ?? '', 'hex'),
  };
}

/** Share of one core used since the last call, 0 when it was just called. */
export function cpuMeter(): () => number {
  let usage = process.cpuUsage();
  let at = process.hrtime.bigint();
  return () => {
    const used = process.cpuUsage(usage);
    const now = process.hrtime.bigint();
    const elapsedUs = Number(now - at) / 1000;
    usage = process.cpuUsage();
    at = now;
    return elapsedUs > 0 ? (used.user + used.system) / elapsedUs : 0;
  };
}
