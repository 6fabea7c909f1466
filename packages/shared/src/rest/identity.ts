import { z } from 'zod';
import { Reason, Timestamp } from './common.ts';
import { Permission, Role } from './permissions.ts';

/** GET /v1/me */
export const Me = z.object({
  kind: z.enum(['user', 'api-token']),
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  organisation: z.object({ id: z.uuid(), name: z.string() }),
  role: Role.nullable(),
  teamId: z.uuid().nullable(),
  permissions: z.array(Permission),
});
export type Me = z.infer<typeof Me>;

export const Team = z.object({
  id: z.uuid(),
  name: z.string(),
  devices: z.number().int(),
  members: z.number().int(),
});
export type Team = z.infer<typeof Team>;
export const CreateTeam = z.strictObject({ name: z.string().trim().min(1).max(200) });
export type CreateTeam = z.infer<typeof CreateTeam>;

export const Member = z.object({
  userId: z.string(),
  name: z.string(),
  email: z.string(),
  role: Role,
  teamId: z.uuid().nullable(),
  createdAt: Timestamp,
  disabledAt: Timestamp.nullable(),
});
export type Member = z.infer<typeof Member>;
/** The answer carries a generated password, shown once. */
export const CreateMember = z.strictObject({
  name: z.string().trim().min(1).max(200),
  email: z.email().max(200),
  role: Role,
  teamId: z.uuid().nullable().default(null),
});
export type CreateMember = z.infer<typeof CreateMember>;
export const CreatedMember = z.object({ member: Member, password: z.string() });
export const UpdateMember = z.strictObject({
  role: Role.optional(),
  teamId: z.uuid().nullable().optional(),
  disabled: z.boolean().optional(),
  reason: Reason,
});
export type UpdateMember = z.infer<typeof UpdateMember>;

export const ApiToken = z.object({
  id: z.uuid(),
  name: z.string(),
  scopes: z.array(Permission),
  createdBy: z.string(),
  createdAt: Timestamp,
  expiresAt: Timestamp.nullable(),
  revokedAt: Timestamp.nullable(),
  lastUsedAt: Timestamp.nullable(),
});
export type ApiToken = z.infer<typeof ApiToken>;
export const CreateApiToken = z.strictObject({
  name: z.string().trim().min(1).max(200),
  scopes: z.array(Permission).min(1),
  expiresInDays: z.number().int().min(1).max(365).default(90),
});
export type CreateApiToken = z.infer<typeof CreateApiToken>;
/** `token` is shown once; sent as `Authorization: Bearer rpk_…`. */
export const CreatedApiToken = z.object({ apiToken: ApiToken, token: z.string() });

export const AuditEntry = z.object({
  id: z.string(),
  at: Timestamp,
  actor: z.object({ kind: z.enum(['user', 'api-token', 'system']), id: z.string(), name: z.string() }),
  /** `policy.deploy`, `freeze.create`, `device.revoke` … */
  action: z.string(),
  target: z.string(),
  reason: z.string(),
  before: z.unknown().nullable(),
  after: z.unknown().nullable(),
  address: z.string(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;
