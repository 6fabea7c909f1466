import { z } from 'zod';
import { EventType, Severity } from '../events.ts';
import { Reason, Timestamp } from './common.ts';

export const ExportKind = z.enum(['splunk-hec', 'webhook', 'syslog-tls', 'file']);
export type ExportKind = z.infer<typeof ExportKind>;

/** Which entries go there; without members all do. What is left out is passed over, and never sent later. */
export const ExportFilter = z.strictObject({
  /** `control` is what administrators and the control plane did. */
  types: z
    .array(z.union([EventType, z.literal('control')]))
    .min(1)
    .max(100)
    .optional(),
  /** Least severity of entries of devices. */
  severity: Severity.optional(),
});
export type ExportFilter = z.infer<typeof ExportFilter>;

const Name = z.string().trim().min(1).max(100);
const HttpsUrl = z.url({ protocol: /^https$/ }).max(2_000);
const HostAndPort = z
  .string()
  .max(260)
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+):\d{1,5}$/, 'a host and a port, such as siem.example.com:6514')
  .refine((address) => Number(address.slice(address.lastIndexOf(':') + 1)) <= 65_535, 'a port up to 65535');
/** Certificates that the receiver's has to come from, instead of the usual ones. */
const CaPem = z
  .string()
  .max(64_000)
  .regex(/-----BEGIN CERTIFICATE-----/, 'PEM certificates');
const CertificatePem = CaPem;
const KeyPem = z
  .string()
  .max(16_000)
  .regex(/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a PEM private key');
const Token = z
  .string()
  .trim()
  .min(8)
  .max(500)
  .regex(/^[\x21-\x7e]+$/, 'a token without spaces');
const SplunkIndex = z.string().regex(/^[a-z0-9_][a-z0-9_-]{0,79}$/, 'a Splunk index');
const SourceType = z.string().regex(/^[\w:.-]{1,100}$/, 'a source type');

/** Beside the address, and not secret. */
export const ExportSettings = z.strictObject({
  /** Splunk: where events go unless the token says. */
  index: SplunkIndex.optional(),
  /** Splunk: `raypher:ocsf` unless given. */
  sourcetype: SourceType.optional(),
  /** Splunk: with it the cursor waits until events are indexed (indexer acknowledgement). */
  channel: z.uuid().optional(),
  /** Webhook: one JSON array, or one line per event. */
  format: z.enum(['json', 'ndjson']).optional(),
});
export type ExportSettings = z.infer<typeof ExportSettings>;

const common = {
  name: Name,
  filter: ExportFilter.default({}),
  /** Where to begin: with what happens from now on, or with the first entry of the log. */
  from: z.enum(['now', 'beginning']).default('now'),
  reason: Reason,
};

/** POST /v1/export/destinations */
export const CreateExportDestination = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('splunk-hec'),
    ...common,
    address: HttpsUrl,
    token: Token,
    index: SplunkIndex.optional(),
    sourcetype: SourceType.optional(),
    channel: z.uuid().optional(),
    ca: CaPem.optional(),
  }),
  z.strictObject({
    kind: z.literal('webhook'),
    ...common,
    address: HttpsUrl,
    format: z.enum(['json', 'ndjson']).optional(),
    ca: CaPem.optional(),
  }),
  z.strictObject({
    kind: z.literal('syslog-tls'),
    ...common,
    address: HostAndPort,
    ca: CaPem.optional(),
    /** Both or neither. */
    clientCertificate: CertificatePem.optional(),
    clientKey: KeyPem.optional(),
  }),
  z.strictObject({ kind: z.literal('file'), ...common }),
]);
export type CreateExportDestination = z.infer<typeof CreateExportDestination>;

/**
 * PATCH /v1/export/destinations/{id}. A new address takes its secret with it: Splunk's token has to be given again, a
 * webhook gets a new signing key, so that nobody can have a stored secret sent to a server of their own.
 */
export const UpdateExportDestination = z.strictObject({
  name: Name.optional(),
  enabled: z.boolean().optional(),
  filter: ExportFilter.optional(),
  address: z.union([HttpsUrl, HostAndPort]).optional(),
  token: Token.optional(),
  index: SplunkIndex.nullable().optional(),
  sourcetype: SourceType.nullable().optional(),
  channel: z.uuid().nullable().optional(),
  format: z.enum(['json', 'ndjson']).optional(),
  ca: CaPem.nullable().optional(),
  clientCertificate: CertificatePem.optional(),
  clientKey: KeyPem.optional(),
  reason: Reason,
});
export type UpdateExportDestination = z.infer<typeof UpdateExportDestination>;

export const ExportState = z.object({
  status: z.enum(['off', 'idle', 'sending', 'failing']),
  /** Place in the log of the next entry. */
  nextIndex: z.number().int(),
  /** Entries that have a place in the log and were not confirmed. */
  behind: z.number().int(),
  /** When the control plane stored the oldest of them. */
  behindSince: Timestamp.nullable(),
  /** Events that the receiver confirmed. */
  sent: z.number().int(),
  sentAt: Timestamp.nullable(),
  failingSince: Timestamp.nullable(),
  /** What the receiver said, or why it was not reached. */
  failure: z.string().nullable(),
  retryAt: Timestamp.nullable(),
});
export type ExportState = z.infer<typeof ExportState>;

/** Secrets are never in it. Of a webhook's address only the host is. */
export const ExportDestination = z.object({
  id: z.uuid(),
  kind: ExportKind,
  name: z.string(),
  address: z.string(),
  settings: ExportSettings,
  filter: ExportFilter,
  hasCa: z.boolean(),
  enabled: z.boolean(),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  updatedBy: z.string(),
  state: ExportState,
});
export type ExportDestination = z.infer<typeof ExportDestination>;

/** GET /v1/export/destinations */
export const ExportDestinations = z.object({
  items: z.array(ExportDestination),
  /** The operator has set a folder for files. */
  fileAllowed: z.boolean(),
});
export type ExportDestinations = z.infer<typeof ExportDestinations>;

/** A webhook's signing key is shown once. */
export const ChangedExportDestination = z.object({
  destination: ExportDestination,
  signingKey: z.string().nullable(),
});
export type ChangedExportDestination = z.infer<typeof ChangedExportDestination>;

/** POST /v1/export/destinations/{id}/test */
export const ExportTestResult = z.object({ ok: z.boolean(), said: z.string() });
export type ExportTestResult = z.infer<typeof ExportTestResult>;

/** POST /v1/export/destinations/{id}/rewind: backwards sends again, forwards leaves out. */
export const RewindExport = z.strictObject({
  index: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  reason: Reason,
});
export type RewindExport = z.infer<typeof RewindExport>;
