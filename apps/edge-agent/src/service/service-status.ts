import { ActiveFreeze, LINK_TRANSPORTS } from '@raypher/shared';
import { DeviceStatus, IdentityClass } from '@raypher/shared/rest';
import { z } from 'zod';

/** What `raypher status` prints; the service and the command line agree on it here. */
export const ServiceStatus = z.object({
  version: z.string(),
  pid: z.number(),
  startedAt: z.string(),
  membership: z
    .object({
      organisation: z.string(),
      organisationId: z.string(),
      device: z.string(),
      server: z.string(),
      /** The control plane's word. */
      status: DeviceStatus,
      /** The control plane's word. */
      identityClass: IdentityClass,
      /** Where the key is. */
      key: z.enum(['software', 'tpm']),
      keyId: z.string(),
      certificateValidFrom: z.string(),
      certificateExpiresAt: z.string(),
      renewAfter: z.string(),
    })
    .nullable(),
  link: z
    .object({
      state: z.enum(['connected', 'connecting', 'waiting', 'stopped']),
      since: z.string(),
      reason: z.string(),
      /** Of the error that ended the last connection; empty when there was none. */
      code: z.string(),
      /** What carries it, or is tried. */
      transport: z.enum(LINK_TRANSPORTS),
      /** Better ones that this network does not carry, and how that was seen. */
      blocked: z.array(z.object({ transport: z.enum(LINK_TRANSPORTS), reason: z.string() })),
    })
    .nullable(),
  policy: z.object({ revision: z.number(), digest: z.string(), mode: z.enum(['enforce', 'monitor']) }),
  freeze: z.object({
    revision: z.number(),
    digest: z.string(),
    processes: z.number(),
    active: z.array(ActiveFreeze.extend({ origin: z.enum(['organisation', 'local']) })),
  }),
  proxy: z.object({ port: z.number(), connections: z.number() }),
  /** The root by which tunnels are read; null where this machine has none. */
  interception: z
    .object({
      /** PEM. */
      certificate: z.string(),
      /** SHA-256 of the certificate, hex. */
      fingerprint: z.string(),
      expiresAt: z.string(),
      /** File with what programs of this user should trust. */
      bundle: z.string(),
    })
    .nullable(),
  /** Parts of messages in which names were looked for; null where nobody does. */
  names: z
    .object({
      looked: z.number(),
      /** Time did not suffice, or the recogniser failed. */
      unrecognised: z.number(),
    })
    .nullable(),
  ledger: z.object({
    seq: z.number(),
    hash: z.string(),
    queued: z.number(),
    missing: z.number(),
    /** Where the key is that its entries are encrypted with on this disk. */
    key: z.enum(['tpm', 'file']),
  }),
  /** How far this device followed the organisation's log; null before it was shown a checkpoint. */
  record: z
    .object({
      /** Names the log. */
      origin: z.string(),
      size: z.number(),
      root: z.string(),
      /** The signed note. */
      checkpoint: z.string(),
      keptAt: z.string(),
      /** A checkpoint that was shown, and not shown to go on from it. */
      contradiction: z.object({ note: z.string(), detail: z.string() }).nullable(),
    })
    .nullable(),
  inventory: z.object({ processes: z.number(), aiAgents: z.number(), at: z.string() }),
  /** How processes are watched: as the kernel tells of them, or again and again, and why. Null until it begins. */
  watch: z.object({ by: z.enum(['events', 'polling']), reason: z.string() }).nullable(),
  posture: z.array(
    z.object({
      capability: z.string(),
      state: z.enum(['enforced', 'observing', 'unavailable']),
      reason: z.string(),
      provenAt: z.string(),
    }),
  ),
  parts: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['running', 'restarting', 'stopped']),
      restarts: z.number(),
      reason: z.string(),
    }),
  ),
});
export type ServiceStatus = z.infer<typeof ServiceStatus>;
