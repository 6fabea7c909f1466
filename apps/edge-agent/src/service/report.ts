import { GENESIS_HASH } from '@raypher/ledger';
import type { Inventory } from '../discovery/inventory.ts';
import { certificateValidity } from '../identity/renewal.ts';
import type { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import type { DeviceReport } from '../uplink/device-report.ts';
import { AGENT_VERSION } from '../version.ts';
import type { ControlPlane } from './control-plane.ts';
import type { FreezeEnforcer } from './freeze-enforcer.ts';
import type { OpenedAgent } from './open-agent.ts';
import type { PostureBoard } from './posture-board.ts';
import type { ServiceStatus } from './service-status.ts';
import type { PartHealth } from './supervisor.ts';

interface ReportParts {
  agent: OpenedAgent;
  policy: PolicyEnforcer;
  freeze: FreezeEnforcer;
  inventory: Inventory;
  posture: PostureBoard;
}

/** What the control plane is told, read from the parts at the moment of asking. */
export function deviceReport(
  parts: ReportParts & {
    connections: () => number;
    vaultKey?: DeviceReport['vaultKey'];
    logSeen?: () => { origin: string; size: number } | undefined;
  },
): DeviceReport {
  const { agent, policy, freeze, inventory, posture } = parts;
  return {
    applied: () => ({ policy: policy.current(), freeze: freeze.current() }),
    posture: () => posture.list(),
    // A ledger that replaced a damaged one has no place in the chain before it is joined to it.
    ledgerHead: () => (agent.log.restarted() ? { seq: 0, hash: GENESIS_HASH } : agent.ledger.head),
    queueDepth: () => queueDepth(agent),
    vaultKey: () => parts.vaultKey?.(),
    logSeen: () => parts.logSeen?.() ?? { origin: '', size: 0 },
    counts: () => ({
      processes: inventory.current.processes.length,
      aiAgents: inventory.current.agents.length,
      frozenProcesses: freeze.held,
      connections: parts.connections(),
    }),
  };
}

/** What `raypher status` shows. */
export function serviceStatus(
  parts: ReportParts & {
    controlPlane: ControlPlane | undefined;
    startedAt: Date;
    proxy: { port: number; connections: number };
    interception: ServiceStatus['interception'];
    names: ServiceStatus['names'];
    watch: ServiceStatus['watch'];
    parts: PartHealth[];
  },
): ServiceStatus {
  const { agent, controlPlane, policy, freeze, inventory, posture } = parts;
  const { seq, hash } = agent.ledger.head;
  return {
    version: AGENT_VERSION,
    pid: process.pid,
    startedAt: parts.startedAt.toISOString(),
    membership: membershipOf(agent, controlPlane),
    link: controlPlane === undefined ? null : linkOf(controlPlane),
    policy: { ...(policy.current() ?? { revision: 0, digest: '' }), mode: policy.mode },
    freeze: {
      ...(freeze.current() ?? { revision: 0, digest: '' }),
      processes: freeze.held,
      active: freeze.list(),
    },
    proxy: parts.proxy,
    interception: parts.interception,
    names: parts.names,
    ledger: { seq, hash, queued: queueDepth(agent), missing: agent.ledger.missing, key: agent.storeBound },
    record: recordOf(controlPlane),
    inventory: {
      processes: inventory.current.processes.length,
      aiAgents: inventory.current.agents.length,
      at: new Date(inventory.current.atMs).toISOString(),
    },
    watch: parts.watch,
    posture: posture.describe(),
    parts: parts.parts,
  };
}

function queueDepth({ ledger, log }: OpenedAgent): number {
  return Math.max(0, ledger.head.seq - log.durableThrough());
}

function membershipOf(
  { membership }: OpenedAgent,
  controlPlane: ControlPlane | undefined,
): ServiceStatus['membership'] {
  if (membership === undefined || controlPlane === undefined) return null;
  const { enrolment } = controlPlane;
  const { organisation, device, server, status, identityClass, renewAfter } = enrolment;
  const { from, to } = certificateValidity(enrolment);
  return {
    organisation: organisation.name,
    organisationId: organisation.id,
    device,
    server,
    status,
    identityClass,
    key: membership.keys.identityClass,
    keyId: membership.keys.keyId,
    certificateValidFrom: from.toISOString(),
    certificateExpiresAt: to.toISOString(),
    renewAfter,
  };
}

function recordOf(controlPlane: ControlPlane | undefined): ServiceStatus['record'] {
  const kept = controlPlane?.follower.kept;
  if (kept === undefined) return null;
  const { origin, size, root, note, keptAt, contradiction } = kept;
  return {
    origin,
    size,
    root: Buffer.from(root).toString('hex'),
    checkpoint: note,
    keptAt: new Date(keptAt).toISOString(),
    contradiction: contradiction === undefined ? null : { ...contradiction },
  };
}

function linkOf({ uplink }: ControlPlane): ServiceStatus['link'] {
  const { state, since, reason, code, transport, blocked } = uplink.status;
  return { state, since: new Date(since).toISOString(), reason, code, transport, blocked: [...blocked] };
}
