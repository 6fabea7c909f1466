import { z } from 'zod';
import { Digest } from './ids.ts';

/**
 * One entry of a device's ledger. What is hashed and stored is the RFC 8785 form of this object
 * (packages/ledger); it is never re-serialised afterwards. At most {@link MAX_ENTRY_BYTES} bytes: the length of an
 * entry in a bundle of the log is a uint16 (c2sp.org/tlog-tiles).
 */
export const MAX_ENTRY_BYTES = 65_535;
/** Entries in one batch, and bytes of all entries together. */
export const MAX_BATCH_ENTRIES = 512;
export const MAX_BATCH_BYTES = 1024 * 1024;
/** The private part of one entry, with its salt; those of a batch count towards {@link MAX_BATCH_BYTES}. */
export const MAX_PRIVATE_BYTES = 16 * 1024;
/** A gRPC frame larger than this is refused by both sides. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;

export const VerdictOutcome = z.enum(['ALLOW', 'DENY', 'PROMPT']);
export type VerdictOutcome = z.infer<typeof VerdictOutcome>;

export const EnforcementMode = z.enum(['enforce', 'monitor']);
export type EnforcementMode = z.infer<typeof EnforcementMode>;

export const EventType = z.enum([
  /** The agent started or stopped; boot, version. */
  'agent.started',
  'agent.stopped',
  'device.enrolled',
  /** A new AI agent was seen, changed its code, or went away. */
  'discovery.appeared',
  'discovery.changed',
  'discovery.vanished',
  /** A model call (or other request) passed the proxy: allowed, denied, or would have been denied. */
  'network.request',
  /** A tunnel (CONNECT) that is not inspected, and why not. */
  'network.tunnel',
  /** A connection that could not be looked into: a client that does not accept our certificate, or no HTTP. */
  'network.uninspected',
  /** The root that programs of this machine shall trust was made, or replaced. */
  'interception.root',
  /** A live connection was ended by a person. */
  'connection.cut',
  /** Sensitive data on its way out or in: kinds, places, what was done; never the data. */
  'dlp.found',
  /** A person is asked, and what came of it: answered, timed out, withdrawn. */
  'approval.requested',
  'approval.decided',
  /** A share of a spending limit was reached. */
  'budget.warned',
  /** The action gate answered a program that asked. */
  'gate.decided',
  /** A tool of an MCP server describes itself in another way than when it was first seen. */
  'tool.changed',
  /** The kernel refused an AI agent something, or in monitor mode would have; repeated ones are counted. */
  'guard.denied',
  /** Denials that the kernel could not hand over: how many. */
  'guard.lost',
  /** An AI agent was moved to a control group of its own, could not be, or was given back. */
  'guard.adopted',
  'guard.not-adopted',
  'guard.released',
  /** What this device can enforce became less, or more. */
  'posture.changed',
  'policy.applied',
  'policy.refused',
  'freeze.applied',
  'freeze.frozen',
  'freeze.thawed',
  'process.killed',
  'process.kill-refused',
  /** AI agents were stopped after a snapshot of them was sealed: who wanted it, why, what it hashes to. */
  'panic.started',
  'panic.finished',
  /** The machine went down in between; what there is of a snapshot is named. */
  'panic.interrupted',
  /** A sealed snapshot made room for newer ones. */
  'panic.snapshot-removed',
  /** A sealed key was stored, replaced, shown, used up or taken away; names and providers, never values. */
  'vault.sealed',
  'vault.unsealed',
  'vault.rotated',
  'vault.revoked',
  /** A sealed key could not be opened, or was asked for by a program that may not use it. */
  'vault.refused',
  /** A program was put on, or taken off, the list of those that may use sealed keys. */
  'caller.allowed',
  'caller.disallowed',
  'caller.refused',
  'command.executed',
  'command.refused',
  /** Sampled telemetry that was dropped because a queue was full: how many, since when. */
  'ledger.gap',
  /** The device followed the organisation's log to a signed checkpoint: its name, size and root (packages/ledger). */
  'ledger.followed',
  /** The organisation's log goes on under another name and key; what was kept of the one before is named. */
  'ledger.renamed',
  /** A signed checkpoint of the log was not shown to go on from the one that the device keeps: both are here. */
  'ledger.contradicted',
  'store.corrupt',
  'tamper.suspected',
]);
export type EventType = z.infer<typeof EventType>;

export const Severity = z.enum(['info', 'notice', 'warning', 'critical']);
export type Severity = z.infer<typeof Severity>;

export const LedgerEntry = z.strictObject({
  v: z.literal(1),
  organisation: z.uuid(),
  device: z.uuid(),
  /** Starts at 1, no gaps. */
  seq: z.number().int().min(1),
  /** SHA-256 of the previous entry's canonical bytes; 64 zeros for the first. */
  prev: Digest,
  /** Device clock, UTC, milliseconds. */
  at: z.iso.datetime(),
  type: EventType,
  severity: Severity,
  /** Who acted. */
  actor: z.strictObject({
    kind: z.enum(['ai-agent', 'edge-agent', 'user', 'control-plane', 'process']),
    /** AiAgentId, user name, or the empty string. */
    id: z.string().max(128),
    name: z.string().max(256),
    pid: z.number().int().min(0).optional(),
    user: z.string().max(128).optional(),
  }),
  /** What was done, a verb phrase: "call", "freeze", "apply policy". */
  action: z.string().max(128),
  /** To what: host and path without query, process, revision. */
  target: z.string().max(2048),
  verdict: z
    .strictObject({
      outcome: VerdictOutcome,
      /** In monitor mode a DENY was recorded but not carried out. */
      mode: EnforcementMode,
      layer: z.enum(['global', 'team', 'local', 'builtin']),
      rule: z.string().max(128),
      reason: z.string().max(1000),
      revision: z.number().int().min(0),
    })
    .optional(),
  /** Facts of this type of event. Numbers, strings, booleans, lists of strings; never secrets or payloads. */
  data: z.record(
    z.string().max(64),
    z.union([z.string().max(4096), z.number(), z.boolean(), z.array(z.string().max(1024)).max(64)]),
  ),
  /**
   * SHA-256 of the private part that is kept beside the entry: an RFC 8785 object with a random salt. Without the
   * part the entry still proves what it says, and nobody can guess from it what the part said.
   */
  private: Digest.optional(),
});
export type LedgerEntry = z.infer<typeof LedgerEntry>;
