import { z } from 'zod';

/** Branded ids: a device id can never be passed where an organisation id is wanted. */
export const OrganisationId = z.uuid().brand<'OrganisationId'>();
export type OrganisationId = z.infer<typeof OrganisationId>;

export const TeamId = z.uuid().brand<'TeamId'>();
export type TeamId = z.infer<typeof TeamId>;

export const DeviceId = z.uuid().brand<'DeviceId'>();
export type DeviceId = z.infer<typeof DeviceId>;

export const UserId = z.string().min(1).max(64).brand<'UserId'>();
export type UserId = z.infer<typeof UserId>;

/** SHA-256 over `{device, user, exe, script}` (RFC 8785), lower-case hex. */
export const AiAgentId = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand<'AiAgentId'>();
export type AiAgentId = z.infer<typeof AiAgentId>;

/** Policy and freeze revisions: monotonic per organisation, two separate lines. */
export const Revision = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).brand<'Revision'>();
export type Revision = z.infer<typeof Revision>;

/** SHA-256, lower-case hex. */
export const Digest = z.string().regex(/^[0-9a-f]{64}$/);

const URI_PREFIX = 'raypher://device/';

/**
 * The subject alternative name (URI) in a device certificate.
 *
 * @example deviceUri(organisation, device) // "raypher://device/<organisation>/<device>"
 */
export function deviceUri(organisation: OrganisationId, device: DeviceId): string {
  return `${URI_PREFIX}${organisation}/${device}`;
}

/** Reads what {@link deviceUri} wrote; `undefined` for anything else. */
export function parseDeviceUri(uri: string): { organisation: OrganisationId; device: DeviceId } | undefined {
  if (!uri.startsWith(URI_PREFIX)) return undefined;
  const [organisation, device, ...rest] = uri.slice(URI_PREFIX.length).split('/');
  const parsedOrganisation = OrganisationId.safeParse(organisation);
  const parsedDevice = DeviceId.safeParse(device);
  if (rest.length > 0 || !parsedOrganisation.success || !parsedDevice.success) return undefined;
  return { organisation: parsedOrganisation.data, device: parsedDevice.data };
}
