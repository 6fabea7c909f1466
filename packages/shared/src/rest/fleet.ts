import { z } from 'zod';
import { LINK_TRANSPORTS } from '../link-http.ts';
import { DeviceTpm, EnrolProof, IdentityClass, IdentityEvent, QuoteProof } from './attestation.ts';
import { PageQuery, Reason, Timestamp } from './common.ts';

export const PostureItem = z.object({
  capability: z.string(),
  state: z.enum(['enforced', 'observing', 'unavailable']),
  reason: z.string(),
  provenAt: Timestamp.nullable(),
});
export type PostureItem = z.infer<typeof PostureItem>;

/** `pending` waits for an administrator, `paused` is suspected to be a clone: neither may connect. */
export const DeviceStatus = z.enum(['pending', 'active', 'paused', 'revoked']);
export type DeviceStatus = z.infer<typeof DeviceStatus>;

export const Device = z.object({
  id: z.uuid(),
  hostname: z.string(),
  label: z.string().nullable(),
  team: z.object({ id: z.uuid(), name: z.string() }).nullable(),
  os: z.string(),
  kernel: z.string(),
  arch: z.string(),
  agentVersion: z.string(),
  identityClass: IdentityClass,
  /** Why this class, one sentence. */
  identityReason: z.string(),
  keyFingerprint: z.string(),
  simulated: z.boolean(),
  status: DeviceStatus,
  /** Why it is paused; null otherwise. */
  pauseReason: z.string().nullable(),
  connected: z.boolean(),
  connectedSince: Timestamp.nullable(),
  enrolledAt: Timestamp,
  revokedAt: Timestamp.nullable(),
  revokeReason: z.string().nullable(),
  lastSeenAt: Timestamp.nullable(),
  posture: z.array(PostureItem),
  applied: z.object({ policy: z.number().int(), freeze: z.number().int() }),
  aiAgents: z.number().int(),
  frozenAiAgents: z.number().int(),
  /** Counters of the newest heartbeat; null while disconnected. */
  live: z
    .object({
      processes: z.number(),
      connections: z.number(),
      queueDepth: z.number(),
      rssBytes: z.number(),
      cpuShare: z.number(),
      at: Timestamp,
      /** What carries the link. */
      transport: z.enum(LINK_TRANSPORTS),
    })
    .nullable(),
});
export type Device = z.infer<typeof Device>;

export const DeviceQuery = PageQuery.extend({
  search: z.string().max(200).optional(),
  state: z.enum(['connected', 'disconnected', 'pending', 'paused', 'revoked']).optional(),
  team: z.uuid().optional(),
});
export const DeviceDetail = Device.extend({
  certificates: z.array(
    z.object({
      fingerprint: z.string(),
      serial: z.string(),
      notBefore: Timestamp,
      notAfter: Timestamp,
      revokedAt: Timestamp.nullable(),
    }),
  ),
  ledger: z.object({ seq: z.number().int(), hash: z.string() }),
  tpm: DeviceTpm.nullable(),
  /** Newest first, at most 50. */
  history: z.array(IdentityEvent),
  /** The key that secrets for this device are encrypted to; null when it has not announced one. */
  vaultKey: z.object({ keyId: z.string(), publicKey: z.string() }).nullable(),
});
export type DeviceDetail = z.infer<typeof DeviceDetail>;
export const UpdateDevice = z.strictObject({
  /** Null takes the label away; an empty one would leave a device without a name to click on. */
  label: z.string().trim().min(1).max(200).nullable().optional(),
  teamId: z.uuid().nullable().optional(),
  reason: Reason,
});
export type UpdateDevice = z.infer<typeof UpdateDevice>;
export const RevokeDevice = z.strictObject({ reason: Reason });
export type RevokeDevice = z.infer<typeof RevokeDevice>;
/** POST /v1/devices/{id}/approve, /pause and /resume. */
export const DecideDevice = z.strictObject({ reason: Reason });
export type DecideDevice = z.infer<typeof DecideDevice>;

export const AiProcessView = z.object({
  pid: z.number().int(),
  ppid: z.number().int(),
  startTime: z.string(),
  name: z.string(),
  commandLine: z.string(),
  rssBytes: z.number(),
  cpuShare: z.number(),
  frozen: z.boolean(),
});
export const AiAgentView = z.object({
  id: z.string(),
  deviceId: z.uuid(),
  hostname: z.string(),
  simulated: z.boolean(),
  name: z.string(),
  user: z.string(),
  exePath: z.string(),
  exeSha256: z.string(),
  entryScript: z.string(),
  libraries: z.array(z.string()),
  models: z.array(z.string()),
  signatures: z.array(z.string()),
  risk: z.string(),
  confidence: z.string(),
  evidence: z.array(z.string()),
  processes: z.array(AiProcessView),
  state: z.enum(['running', 'frozen', 'gone']),
  firstSeenAt: Timestamp,
  lastSeenAt: Timestamp,
});
export type AiAgentView = z.infer<typeof AiAgentView>;
export const AiAgentQuery = PageQuery.extend({
  device: z.uuid().optional(),
  state: z.enum(['running', 'frozen', 'gone']).optional(),
  search: z.string().max(200).optional(),
});

export const EnrolmentToken = z.object({
  id: z.uuid(),
  name: z.string(),
  team: z.object({ id: z.uuid(), name: z.string() }).nullable(),
  maxUses: z.number().int(),
  uses: z.number().int(),
  expiresAt: Timestamp,
  revokedAt: Timestamp.nullable(),
  createdBy: z.string(),
  createdAt: Timestamp,
  lastUsedAt: Timestamp.nullable(),
  state: z.enum(['usable', 'expired', 'exhausted', 'revoked']),
});
export type EnrolmentToken = z.infer<typeof EnrolmentToken>;
export const CreateEnrolmentToken = z.strictObject({
  name: z.string().trim().min(1).max(200),
  teamId: z.uuid().nullable().default(null),
  maxUses: z.number().int().min(1).max(100_000).default(1),
  expiresInMinutes: z
    .number()
    .int()
    .min(1)
    .max(60 * 24 * 30)
    .default(60),
});
export type CreateEnrolmentToken = z.infer<typeof CreateEnrolmentToken>;
/** `token` is shown once; `command` is ready to paste on the device. */
export const CreatedEnrolmentToken = z.object({
  enrolmentToken: EnrolmentToken,
  token: z.string(),
  server: z.string(),
  command: z.string(),
});
export type CreatedEnrolmentToken = z.infer<typeof CreatedEnrolmentToken>;

/** POST /v1/enroll, over TLS, authenticated by the token. */
export const EnrolRequest = z.strictObject({
  token: z.string().max(300),
  csr: z.string().max(8_000),
  device: z.strictObject({
    hostname: z.string().min(1).max(255),
    os: z.string().max(100),
    kernel: z.string().max(200),
    arch: z.string().max(32),
    agentVersion: z.string().max(64),
    machineId: z.string().max(128),
    /** What kind of key signs; which class the device is of is the control plane's to say. */
    identityClass: z.enum(['software', 'tpm']),
    /** Changes with every boot of the machine. */
    bootId: z.string().max(64).optional(),
    simulated: z.boolean().optional(),
  }),
  /** Present exactly for `tpm`: the answer to POST /v1/enroll/challenge. */
  tpm: EnrolProof.optional(),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;
export const IssuedCertificate = z.object({ certificate: z.string(), ca: z.string(), renewAfter: Timestamp });
export const EnrolResponse = IssuedCertificate.extend({
  device: z.uuid(),
  /** `pending`: enrolled, but the link opens only after an administrator's approval. */
  status: DeviceStatus,
  identityClass: IdentityClass,
  organisation: z.object({ id: z.uuid(), name: z.string() }),
  policyKeys: z.array(z.object({ keyId: z.string(), publicKey: z.string() })),
  link: z.object({ host: z.string(), port: z.number().int() }),
});
export type EnrolResponse = z.infer<typeof EnrolResponse>;
/** POST /v1/renew, over mutual TLS with the current certificate. A device with a TPM needs `tpm`, from POST /v1/renew/challenge. */
export const RenewRequest = z.strictObject({
  csr: z.string().max(8_000),
  bootId: z.string().max(64).optional(),
  tpm: QuoteProof.optional(),
});
export type RenewRequest = z.infer<typeof RenewRequest>;
