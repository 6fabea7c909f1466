import { type CommandPayload, RaypherError } from '@raypher/shared';
import { SecretName, SecretUse } from '@raypher/shared/rest';
import { SealedSecret } from '@raypher/vault';
import { z } from 'zod';
import type { PushedKeys } from '../store/pushed-keys.ts';
import type { Actor, Vault } from './vault.ts';
import { requirePurpose } from './vault-requests.ts';

const PutSecret = z.strictObject({
  name: SecretName,
  provider: z.string().max(32),
  /** SecretUse, JSON: arguments of commands are flat. */
  use: z.string().max(16_384).optional(),
  sealed: z.string().max(32_768),
});
const RevokeSecret = z.strictObject({ name: SecretName });
const CONTROL_PLANE: Actor = { kind: 'control-plane', id: '', name: 'control plane' };

/**
 * Stores a key that was sealed in an administrator's browser, or replaces the one of that name and provider. It is
 * opened once, to see that it is for this device, this name and this provider.
 *
 * @throws RaypherError `vault/sealed-elsewhere`, `vault/damaged`, `vault/exists`, `request/invalid`,
 * `bundle/revision-not-monotonic` after a later order about the same key
 */
export async function putSecret(
  vault: Vault | undefined,
  orders: PushedKeys,
  { arguments: given, issuedAt }: CommandPayload,
): Promise<Record<string, unknown>> {
  const { name, provider, use: purpose, sealed: json } = parse(PutSecret, given);
  const use = purpose === undefined ? undefined : parse(SecretUse, parseJson(purpose));
  requirePurpose(provider, use);
  const opened = requireVault(vault);
  const sealed = parse(SealedSecret, parseJson(json));
  orders.admit(name, issuedAt);
  const replaces = (await opened.named(provider)).includes(name);
  const stored = replaces
    ? await opened.rotate(name, sealed, CONTROL_PLANE, use)
    : await opened.seal({ name, provider, use }, sealed, CONTROL_PLANE);
  return { name, provider, version: stored.version, replaced: replaces, keyId: sealed.keyId };
}

/** @throws RaypherError `vault/not-found`, `bundle/revision-not-monotonic` after a later order about the same key */
export async function revokeSecret(
  vault: Vault | undefined,
  orders: PushedKeys,
  { arguments: given, issuedAt }: CommandPayload,
): Promise<Record<string, unknown>> {
  const { name } = parse(RevokeSecret, given);
  const opened = requireVault(vault);
  orders.admit(name, issuedAt);
  const { provider, version } = await opened.revoke(name, CONTROL_PLANE);
  return { name, provider, version };
}

function requireVault(vault: Vault | undefined): Vault {
  if (vault !== undefined) return vault;
  throw new RaypherError('command/unknown-verb', 'This device has no vault.');
}

/** The error names no part of what was given. */
function parse<T>(schema: z.ZodType<T>, given: unknown): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new RaypherError(
    'request/invalid',
    'The command does not hold a sealed key as this version knows them.',
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
