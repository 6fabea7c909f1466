import { hostname, uptime } from 'node:os';
import { setImmediate as breathe } from 'node:timers/promises';
import type { LedgerEntry } from '@raypher/shared';
import type { LiveConnection } from '../connections/live-connections.ts';
import type { Inventory } from '../discovery/inventory.ts';
import { readKernelUnits } from '../discovery/kernel-units.ts';
import { processKey } from '../discovery/stat.ts';
import type { ProcessRef } from '../response/tree.ts';
import { AGENT_VERSION } from '../version.ts';
import { dumpMemory, type MemoryDump } from './dump-memory.ts';
import type { PanicIntent } from './panic-intent.ts';
import { type ProcessEvidence, readEvidence } from './process-evidence.ts';
import { readSockets, type SocketEvidence } from './socket-evidence.ts';

/** What a snapshot is taken from. */
export interface SnapshotSources {
  organisation: string;
  device: string;
  inventory: Pick<Inventory, 'current'>;
  /** The newest entries of the ledger since a moment, milliseconds since the epoch. */
  entriesSince: (at: number) => LedgerEntry[];
  connections: () => LiveConnection[];
  posture: () => unknown[];
}

/** What was seized, as it is sealed. */
export interface Snapshot {
  v: 1;
  panic: Omit<PanicIntent, 'v' | 'roots' | 'sealed'>;
  device: { organisation: string; device: string; hostname: string; version: string };
  /** When the processes were looked at. */
  at: string;
  /** The last {@link EVENTS_MS} of the ledger. */
  events: LedgerEntry[];
  processes: ProcessEvidence[];
  sockets: SocketEvidence[];
  /** What was open through the proxy; previews are masked. */
  connections: LiveConnection[];
  posture: unknown[];
  /** Null unless it was asked for. */
  memory: Pick<MemoryDump, 'segments' | 'leftOutBytes'> | null;
  /** What could not be looked at, and why. */
  gaps: string[];
}

const EVENTS_MS = 60_000;
/** Processes looked at before others get their turn. */
const BREATHE_EVERY = 16;

/** Looks at processes that stand still, from their descriptors to the last minute of the ledger. */
export async function takeSnapshot(
  intent: PanicIntent,
  members: readonly ProcessRef[],
  sources: SnapshotSources,
): Promise<{ snapshot: Snapshot; memory: Buffer }> {
  const now = Date.now();
  const units = readKernelUnits();
  const bootedAt = now - uptime() * 1000;
  const toDate = (ticks: number): Date => new Date(bootedAt + (ticks / units.ticksPerSecond) * 1000);
  const known = new Map(sources.inventory.current.processes.map((process) => [processKey(process), process]));
  const gaps: string[] = [];
  const processes: ProcessEvidence[] = [];
  for (const [index, member] of members.entries()) {
    if (index % BREATHE_EVERY === BREATHE_EVERY - 1) await breathe();
    const evidence = readEvidence(member, known.get(processKey(member)), toDate);
    if (evidence === undefined) gaps.push(`process ${member.pid} had ended`);
    else processes.push(evidence);
  }
  const pids = members.map(({ pid }) => pid);
  const sockets = readSockets(pids, gaps);
  const dump = intent.memory ? await dumpMemory(members, units.pageBytes) : undefined;
  gaps.push(...(dump?.gaps ?? []));
  const ids = new Set(members.map(processKey));
  const { v: _, roots: __, sealed: ___, ...panic } = intent;
  return {
    snapshot: {
      v: 1,
      panic,
      device: {
        organisation: sources.organisation,
        device: sources.device,
        hostname: hostname(),
        version: AGENT_VERSION,
      },
      at: new Date(now).toISOString(),
      events: sources.entriesSince(Date.parse(intent.at) - EVENTS_MS),
      processes,
      sockets,
      connections: sources
        .connections()
        .filter(({ process }) => process !== undefined && ids.has(processKey(process))),
      posture: sources.posture(),
      memory: dump === undefined ? null : { segments: dump.segments, leftOutBytes: dump.leftOutBytes },
      gaps,
    },
    memory: dump?.content ?? Buffer.alloc(0),
  };
}

/** The bytes that are sealed: the length of the JSON (32 bits, little-endian), the JSON, and the memory. */
export function encodeSnapshot(snapshot: Snapshot, memory: Buffer): Buffer {
  const json = Buffer.from(JSON.stringify(snapshot));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, memory]);
}

/** @throws Error when the bytes are no snapshot */
export function decodeSnapshot(content: Uint8Array): { snapshot: unknown; memory: Buffer } {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const length = bytes.length < 4 ? Number.POSITIVE_INFINITY : bytes.readUInt32LE(0);
  if (4 + length > bytes.length) throw new Error('The content is cut short.');
  return {
    snapshot: JSON.parse(bytes.toString('utf8', 4, 4 + length)),
    memory: bytes.subarray(4 + length),
  };
}
