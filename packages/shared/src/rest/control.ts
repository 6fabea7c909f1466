import { z } from 'zod';
import { CommandVerb, LayerDocument } from '../bundles.ts';
import { FreezeSelector } from '../freeze-selector.ts';
import { Confirmation, PageQuery, Reason, Timestamp } from './common.ts';
import { PanicOutcome } from './panic.ts';
import { PolicySource, PolicyStage } from './policy-stage.ts';

/** Team documents are keyed by team id. */
export const PolicyDocuments = z.array(LayerDocument).max(500);
export type PolicyDocuments = z.infer<typeof PolicyDocuments>;

export const PolicyRevision = z.object({
  revision: z.number().int(),
  documents: PolicyDocuments,
  /** Sources of tests, each for the document of the same layer and team. Devices are not sent them. */
  tests: PolicyDocuments,
  /** Where a program took it from; null when a person deployed it. */
  source: PolicySource.nullable(),
  /** Whom it is for; null is everybody. */
  stage: PolicyStage.nullable(),
  digest: z.string(),
  reason: z.string(),
  createdBy: z.string(),
  createdAt: Timestamp,
  rolledBackTo: z.number().int().nullable(),
  running: z.boolean(),
});
export type PolicyRevision = z.infer<typeof PolicyRevision>;

/** The running documents are not those that a repository applied last. */
export const PolicyDrift = z.object({
  /** What was applied last, and as which revision. */
  source: PolicySource,
  appliedRevision: z.number().int(),
  /** Who deployed what runs instead. */
  changedBy: z.string(),
  changedAt: Timestamp,
});
export type PolicyDrift = z.infer<typeof PolicyDrift>;

/** A revision that some devices have and that is neither promoted nor withdrawn. */
export const OpenStage = z.object({ revision: PolicyRevision, rolloutId: z.uuid() });
export type OpenStage = z.infer<typeof OpenStage>;

export const RunningPolicy = PolicyRevision.extend({
  drift: PolicyDrift.nullable(),
  open: OpenStage.nullable(),
});
export type RunningPolicy = z.infer<typeof RunningPolicy>;

export const PolicyIssueView = z.object({
  layer: z.enum(['global', 'team']),
  team: z.uuid().optional(),
  code: z.string(),
  message: z.string(),
  line: z.number().int(),
  column: z.number().int(),
  endLine: z.number().int(),
  endColumn: z.number().int(),
  path: z.string(),
  suggestion: z.string().optional(),
});
export const CheckPolicy = z.strictObject({ documents: PolicyDocuments });
export const CheckedPolicy = z.object({ ok: z.boolean(), issues: z.array(PolicyIssueView) });
export type CheckedPolicy = z.infer<typeof CheckedPolicy>;

/** POST /v1/policies/deploy. `basedOn` is the revision the editor started from; a newer one refuses. */
export const DeployPolicy = z.strictObject({
  documents: PolicyDocuments,
  /** Those of the running revision unless given, so that leaving them out does not get around them. */
  tests: PolicyDocuments.optional(),
  /** Why it is deployed although tests fail; kept in the audit. */
  overrideTests: Reason.optional(),
  /** Some devices first; everybody unless given. */
  stage: PolicyStage.optional(),
  basedOn: z.number().int().min(0),
  reason: Reason,
  confirm: Confirmation,
});
export type DeployPolicy = z.infer<typeof DeployPolicy>;

/** POST /v1/policies/stage/promote: to more devices, or to everybody when no stage is given. */
export const PromoteStage = z.strictObject({
  revision: z.number().int().min(1),
  stage: PolicyStage.optional(),
  reason: Reason,
  confirm: Confirmation,
});
export type PromoteStage = z.infer<typeof PromoteStage>;
/** POST /v1/policies/stage/withdraw: those who have it go back to what everybody else runs. */
export const WithdrawStage = z.strictObject({ revision: z.number().int().min(1), reason: Reason });
export type WithdrawStage = z.infer<typeof WithdrawStage>;

export const PolicyTestFailure = z.object({
  layer: z.enum(['global', 'team']),
  team: z.uuid().optional(),
  name: z.string(),
  differences: z.array(z.object({ key: z.string(), expected: z.string(), actual: z.string() })),
  why: z.array(z.string()),
});
export type PolicyTestFailure = z.infer<typeof PolicyTestFailure>;

/** PUT /v1/policies: makes what a repository holds the running policy; doing it twice changes nothing. */
export const ApplyPolicy = z.strictObject({
  documents: PolicyDocuments,
  tests: PolicyDocuments.default([]),
  reason: Reason,
  source: PolicySource,
  /** The organisation's name; people give it, programs need not. */
  confirm: Confirmation.optional(),
});
export type ApplyPolicy = z.infer<typeof ApplyPolicy>;
export const ApplyQuery = z.object({ dry_run: z.enum(['true', 'false']).default('false') });
/** POST /v1/policies/rollback: a new revision with the old documents. */
export const RollbackPolicy = z.strictObject({
  revision: z.number().int().min(1),
  reason: Reason,
  confirm: Confirmation,
});
export type RollbackPolicy = z.infer<typeof RollbackPolicy>;

/** POST /v1/blast-radius: who a wide action would meet, before it is done. */
export const BlastRadiusQuery = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('deploy'), stage: PolicyStage.optional() }),
  z.strictObject({ action: z.literal('freeze'), selector: FreezeSelector }),
  z.strictObject({ action: z.literal('revoke'), device: z.uuid() }),
  /** Without an AI agent: all of the device. */
  z.strictObject({ action: z.literal('panic'), device: z.uuid(), agent: z.string().max(128).optional() }),
]);
export type BlastRadiusQuery = z.infer<typeof BlastRadiusQuery>;
export const BlastRadius = z.object({
  devices: z.number().int(),
  connectedDevices: z.number().int(),
  aiAgents: z.number().int(),
  connections: z.number().int(),
  /** At most 50, for a preview. */
  sample: z.array(
    z.object({
      deviceId: z.uuid(),
      hostname: z.string(),
      simulated: z.boolean(),
      agent: z.string().nullable(),
    }),
  ),
});
export type BlastRadius = z.infer<typeof BlastRadius>;

export const RolloutPhase = z.enum(['pending', 'received', 'verified', 'applied', 'rejected', 'unreachable']);
export type RolloutPhase = z.infer<typeof RolloutPhase>;
export const RolloutCounts = z.record(RolloutPhase, z.number().int());
export type RolloutCounts = z.infer<typeof RolloutCounts>;
export const Rollout = z.object({
  id: z.uuid(),
  kind: z.enum(['policy', 'freeze']),
  revision: z.number().int(),
  title: z.string(),
  reason: z.string(),
  createdBy: z.string(),
  createdAt: Timestamp,
  supersededAt: Timestamp.nullable(),
  /** Whom it is for; null is every device. */
  stage: PolicyStage.nullable(),
  devices: z.number().int(),
  counts: RolloutCounts,
  /** Milliseconds from the request until the last of the connected devices applied it; null while some are still on it. */
  settledAfterMs: z.number().nullable(),
  /** Processes suspended so far (freeze). */
  affected: z.number().int(),
});
export type Rollout = z.infer<typeof Rollout>;
export const RolloutDevice = z.object({
  deviceId: z.uuid(),
  hostname: z.string(),
  simulated: z.boolean(),
  phase: RolloutPhase,
  code: z.string(),
  detail: z.string(),
  affected: z.number().int(),
  /** Milliseconds after the request. */
  afterMs: z.number().nullable(),
});
export type RolloutDevice = z.infer<typeof RolloutDevice>;
export const RolloutDeviceQuery = PageQuery.extend({ phase: RolloutPhase.optional() });

export const Freeze = z.object({
  id: z.uuid(),
  selector: FreezeSelector,
  /** For people, team names resolved. */
  describes: z.string(),
  reason: z.string(),
  createdBy: z.string(),
  createdAt: Timestamp,
  thawedBy: z.string().nullable(),
  thawedAt: Timestamp.nullable(),
  thawReason: z.string().nullable(),
  /** The rollout that carries the newest state of this freeze. */
  rolloutId: z.uuid().nullable(),
});
export type Freeze = z.infer<typeof Freeze>;
export const CreateFreeze = z.strictObject({
  selector: FreezeSelector,
  reason: Reason,
  confirm: Confirmation,
});
export type CreateFreeze = z.infer<typeof CreateFreeze>;
export const ThawFreeze = z.strictObject({ reason: Reason });
export type ThawFreeze = z.infer<typeof ThawFreeze>;
export const FreezeWithRollout = z.object({ freeze: Freeze, rollout: Rollout });

export const SendCommand = z.strictObject({
  /** Secrets have routes of their own. */
  verb: CommandVerb.extract(['scan', 'kill']),
  arguments: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  reason: Reason,
});
export type SendCommand = z.infer<typeof SendCommand>;
export const CommandView = z.object({
  id: z.uuid(),
  deviceId: z.uuid(),
  verb: z.string(),
  reason: z.string(),
  createdBy: z.string(),
  createdAt: Timestamp,
  expiresAt: Timestamp,
  finishedAt: Timestamp.nullable(),
  ok: z.boolean().nullable(),
  code: z.string().nullable(),
  detail: z.string().nullable(),
  /** What a panic did; null for other commands, and before the device has answered. */
  panic: PanicOutcome.nullable(),
});
export type CommandView = z.infer<typeof CommandView>;
