import type { IncomingMessage } from 'node:http';
import { RaypherError } from '@raypher/shared';
import type { SecretUse } from '@raypher/shared/rest';
import { asRaypherError } from '../uplink/desired-state.ts';
import type { Caller } from './caller.ts';
import { type AskedFor, askedFor } from './credential-placeholder.ts';
import type { Destination } from './destination.ts';
import type { FoundPlace } from './find-placeholders.ts';
import { keyHeaderOf } from './key-header.ts';
import type { KeyHeader } from './provider-paths.ts';
import { providerById } from './providers.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { RefusalKind } from './refusal.ts';

/** The vault as the proxy sees it. */
export interface SealedKeys {
  /** Names of values that are for any API, without opening anything; the same array until that changes. */
  namesOfUses(): readonly string[];
  /** What such a value is for, as it is stored; {@link takeForUse} proves it. */
  useOf(name: string): Promise<SecretUse | undefined>;
  /** Such a value, once its use was counted; whoever takes it zeroes it. */
  takeForUse(name: string, use: SecretUse): Promise<{ value: Uint8Array; uses: number }>;
  /** Names that are sealed for a provider. @throws RaypherError when the vault cannot be opened */
  named(provider: string): Promise<readonly string[]>;
  /** The value; whoever takes it zeroes it. */
  take(binding: { name: string; provider: string }): Promise<Uint8Array>;
}

/** What a request goes on with. */
export type Credential =
  /** `own`: what the caller sent. `none`: it sent none, and there is none that it may use. */
  | { kind: 'own' | 'none' }
  | { kind: 'sealed'; name: string; provider: string; header: KeyHeader }
  /** Values for any API, each in one place. */
  | { kind: 'bound'; values: readonly BoundValue[] }
  | { kind: 'refused'; refusal: CredentialRefusal };

export interface BoundValue {
  readonly name: string;
  readonly use: SecretUse;
  readonly place: FoundPlace;
}

export interface CredentialRefusal {
  kind: RefusalKind;
  code: string;
  /** Of the value whose placeholder was not filled in, where it is one for any API. */
  secret?: string | undefined;
  rule: string;
  /** For the person in front of the program: what is wrong and what would help. */
  message: string;
}

export const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Decides which credential a request goes on with. A sealed key is for the provider's own address, for programs that
 * are allowed, and in place of a placeholder or of nothing. Other programs are refused when they ask for one; a request
 * without any credential goes on without one.
 *
 * @param origin where the request will be sent, see `Upstreams.origin`
 */
export async function credentialFor(
  request: IncomingMessage,
  destination: Destination,
  origin: string,
  caller: Caller,
  context: Pick<ProxyContext, 'authorise' | 'keys'>,
): Promise<Credential> {
  const asked = askedFor(request, destination.path);
  if (asked.kind === 'own') return { kind: 'own' };
  if (asked.kind === 'ambiguous') {
    return refused(
      'bad-request',
      'request/invalid',
      'ambiguous-placeholder',
      'The request names two sealed keys.',
    );
  }
  const provider = destination.provider;
  const header = provider === undefined ? undefined : keyHeaderOf(provider.id, destination.path);
  if (provider === undefined || header === undefined || !isProvidersOwn(destination, origin)) {
    return asked.kind === 'none' ? { kind: 'none' } : misdirected(destination.host, asked);
  }
  try {
    const names = (await context.keys?.named(provider.id)) ?? [];
    if (names.length === 0)
      return asked.kind === 'none' ? { kind: 'none' } : nothingSealed(provider.id, asked);
    const standing = await context.authorise(caller);
    // It asked for no sealed key and gets none: what the provider says to that is between the two.
    if (asked.kind === 'none' && !standing.allowed) return { kind: 'none' };
    const name = choose(names, asked, provider.id);
    if (name === undefined) return nothingSealed(provider.id, asked);
    if (request.method === 'TRACE') {
      // Its answer would be the request, key included (RFC 9110 §9.3.8).
      return refused('bad-request', 'request/invalid', 'trace', 'A sealed key is not sent with TRACE.');
    }
    if (standing.allowed) return { kind: 'sealed', name, provider: provider.id, header };
    return refused('not-allowed', standing.code, 'caller-not-allowed', `${standing.reason} ${standing.hint}`);
  } catch (error) {
    // Without a placeholder nobody asked for the vault, and a vault that is broken breaks nothing else.
    if (asked.kind === 'none' && error instanceof RaypherError && error.code !== 'request/conflict') {
      return { kind: 'none' };
    }
    return unusable(error);
  }
}

const KINDS: Partial<Record<string, RefusalKind>> = {
  'request/conflict': 'bad-request',
  'vault/used-up': 'denied',
};

/** A value that could not be taken from the vault. */
export function unusable(error: unknown): Extract<Credential, { kind: 'refused' }> {
  const { code, message, hint } = asRaypherError(error);
  const kind = KINDS[code] ?? 'unavailable';
  return refused(kind, code, 'vault-unusable', hint === undefined ? message : `${message} ${hint}`);
}

/** How an event names it. */
export function credentialLabel(credential: Credential): string | undefined {
  if (credential.kind === 'refused') return undefined;
  if (credential.kind === 'bound') return `sealed:${credential.values.map(({ name }) => name).join(',')}`;
  return credential.kind === 'sealed' ? `sealed:${credential.name}` : credential.kind;
}

/**
 * Is this the address that the provider's keys are for? A private gateway of the local configuration counts, over
 * plain HTTP only on this machine.
 */
function isProvidersOwn({ provider, protocol, host, port }: Destination, origin: string): boolean {
  if (provider === undefined) return false;
  const { origin: ownOrigin } = providerById(provider.id) ?? provider;
  if (ownOrigin === undefined) return false;
  const own = new URL(ownOrigin);
  const ownPort = Number(own.port || 443);
  if (own.protocol !== 'https:' || protocol !== 'https:' || host !== own.hostname || port !== ownPort)
    return false;
  const actual = new URL(origin);
  return actual.protocol === 'https:' || LOOPBACK.test(actual.hostname);
}

/** The key that is asked for, or the one that there is. */
function choose(names: readonly string[], asked: AskedFor, provider: string): string | undefined {
  if (asked.kind === 'placeholder' && asked.name !== undefined) {
    return names.find((name) => name === asked.name);
  }
  if (names.length < 2) return names[0];
  const [named] = names.filter((name) => name === provider);
  if (named !== undefined) return named;
  throw new RaypherError('request/conflict', `Several keys are sealed for ${provider}.`, {
    hint: `Say which: use raypher:NAME as the API key, or call one of them ${provider}.`,
  });
}

function misdirected(host: string, asked: AskedFor): Credential {
  const name = asked.kind === 'placeholder' ? asked.name : undefined;
  const hint =
    name === undefined
      ? ''
      : ` For any other API: raypher seal ${name} --host ${host} --header 'authorization: Bearer'`;
  return refused(
    'denied',
    'request/invalid',
    'placeholder-elsewhere',
    `A sealed key is sent to its provider's own address over HTTPS and nowhere else; this request goes to ${host}.${hint}`,
  );
}

function nothingSealed(provider: string, asked: AskedFor): Credential {
  const name = asked.kind === 'placeholder' && asked.name !== undefined ? asked.name : provider;
  return refused(
    'no-credential',
    'vault/not-found',
    'nothing-sealed',
    `No key ${name} is sealed for ${provider} on this machine. Seal it: raypher seal ${name} --provider ${provider}`,
  );
}

export function refused(
  kind: RefusalKind,
  code: string,
  rule: string,
  message: string,
): Extract<Credential, { kind: 'refused' }> {
  return { kind: 'refused', refusal: { kind, code, rule, message } };
}
