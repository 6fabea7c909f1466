import { RaypherError } from '@raypher/shared';
import { ANY_API, SecretName, SecretUse } from '@raypher/shared/rest';
import { SealedSecret } from '@raypher/vault';
import { z } from 'zod';
import { keyHeaderOf, PROVIDERS_WITH_KEYS } from '../proxy/key-header.ts';
import type { Actor, Vault } from './vault.ts';

const By = z.string().max(200);
/** A P-256 point, base64url. */
const Point = z.string().regex(/^[A-Za-z0-9_-]{87}$/);
export const Pcrs = z.array(z.int().min(0).max(23)).max(24);

/** What the command line may ask of the vault. Values travel encrypted, over this socket as well. */
export const VAULT_REQUESTS = [
  z.strictObject({ verb: z.literal('vault-list') }),
  z.strictObject({
    verb: z.literal('vault-seal'),
    name: SecretName,
    provider: z.string().max(32),
    use: SecretUse.optional(),
    sealed: SealedSecret,
    by: By,
  }),
  z.strictObject({ verb: z.literal('vault-rotate'), name: SecretName, sealed: SealedSecret, by: By }),
  /** `to`: the key of whoever asks, made for this one answer. */
  z.strictObject({ verb: z.literal('vault-unseal'), name: SecretName, to: Point, by: By }),
  z.strictObject({ verb: z.literal('vault-revoke'), name: SecretName, by: By }),
  z.strictObject({ verb: z.literal('vault-rebind'), pcrs: Pcrs, by: By }),
  z.strictObject({ verb: z.literal('vault-reset'), by: By }),
] as const;
const VaultRequest = z.discriminatedUnion('verb', VAULT_REQUESTS);
export type VaultRequest = z.infer<typeof VaultRequest>;

/** Carries out one request of a person at this machine. */
export async function answerVaultRequest(vault: Vault | undefined, request: VaultRequest): Promise<unknown> {
  if (vault === undefined) throw noVault();
  if (request.verb === 'vault-list') return vault.describe();
  const by: Actor = { kind: 'user', id: request.by, name: request.by };
  switch (request.verb) {
    case 'vault-seal':
      requirePurpose(request.provider, request.use);
      return vault.seal(
        { name: request.name, provider: request.provider, use: request.use },
        request.sealed,
        by,
      );
    case 'vault-rotate':
      return vault.rotate(request.name, request.sealed, by);
    case 'vault-unseal':
      return vault.unseal(request.name, Buffer.from(request.to, 'base64url'), by);
    case 'vault-revoke':
      return vault.revoke(request.name, by);
    case 'vault-rebind':
      return vault.rebind(request.pcrs, by);
    case 'vault-reset':
      return vault.reset(by);
  }
}

/** @throws RaypherError `request/invalid` for a provider that no key could ever be sent to */
export function requireProvider(provider: string): void {
  if (keyHeaderOf(provider) !== undefined) return;
  throw new RaypherError('request/invalid', `Raypher does not send sealed keys to a provider ${provider}.`, {
    hint: `Providers: ${PROVIDERS_WITH_KEYS.join(', ')}.`,
  });
}

/** A provider's key has a provider, any other value has a use. @throws RaypherError `request/invalid` */
export function requirePurpose(provider: string, use: SecretUse | undefined): void {
  if (provider !== ANY_API && use === undefined) requireProvider(provider);
  if ((provider === ANY_API) === (use !== undefined)) return;
  throw new RaypherError(
    'request/invalid',
    'A sealed value is either the key of a provider or has a use of its own: hosts, and places of the request.',
  );
}

function noVault(): RaypherError {
  return new RaypherError('enrolment/not-enrolled', 'This machine has no vault: it is not enrolled.', {
    hint: 'A vault is sealed with the identity of the device. Join an organisation with `raypher enroll`.',
  });
}
