import { z } from 'zod';
import { Reason } from './common.ts';
import { SecretUse } from './secret-binding.ts';

/** Files that make a management system, or a person, enrol devices with one token. */
export const ArtefactKind = z.enum([
  'shell',
  'cloud-init',
  'intune-linux-install',
  'intune-linux-detect',
  'intune-windows-install',
  'intune-windows-detect',
  'jamf-profile',
  'jamf-script',
  'kandji-audit',
  'kandji-install',
]);
export type ArtefactKind = z.infer<typeof ArtefactKind>;

/** POST /v1/enrolment-tokens/artefacts. The token is in the body because it is kept nowhere. */
export const CreateArtefact = z.strictObject({ token: z.string().max(300), kind: ArtefactKind });
export type CreateArtefact = z.infer<typeof CreateArtefact>;
export const Artefact = z.object({
  kind: ArtefactKind,
  filename: z.string(),
  mediaType: z.string(),
  /** Base64. */
  content: z.string(),
  /** SHA-256 of the content, hex. */
  sha256: z.string(),
  /** Where to put it, step by step, and what it needs. */
  steps: z.array(z.string()),
  /** What keeps it from working today, such as a platform without a package here; null when nothing does. */
  limitation: z.string().nullable(),
});
export type Artefact = z.infer<typeof Artefact>;

/** GET /v1/packages: what devices can install from here. GET /v1/packages/{filename} is public. */
export const AgentPackage = z.object({
  filename: z.string(),
  platform: z.enum(['linux', 'macos', 'windows']),
  format: z.enum(['deb', 'executable', 'pkg', 'msi']),
  arch: z.string(),
  version: z.string(),
  sha256: z.string(),
  bytes: z.number().int(),
});
export type AgentPackage = z.infer<typeof AgentPackage>;

/** Letters, digits and `._-`: what people call a sealed key. */
export const SecretName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

/**
 * POST /v1/devices/{id}/secrets. Encrypted by the browser to the device's vault key, so that the control plane
 * carries what it cannot read.
 */
export const PushSecret = z.strictObject({
  name: SecretName,
  provider: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  /** Of provider `api`, and of no other. */
  use: SecretUse.optional(),
  /** Of the vault key it is encrypted to; a device that has changed it meanwhile refuses. */
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  /** SealedSecret of packages/vault, JSON. */
  sealed: z.string().max(32_768),
  reason: Reason,
});
export type PushSecret = z.infer<typeof PushSecret>;
/** POST /v1/devices/{id}/secrets/revoke. */
export const RevokeSecret = z.strictObject({ name: SecretName, reason: Reason });
export type RevokeSecret = z.infer<typeof RevokeSecret>;
