import { compilePathGlob } from '@raypher/policy';
import type { SecretPlace, SecretUse } from '@raypher/shared/rest';
import { askedNames } from './credential-placeholder.ts';
import { type BoundValue, type Credential, LOOPBACK, refused, unusable } from './credentials.ts';
import { describeUse } from './describe-use.ts';
import type { Destination } from './destination.ts';
import type { Exchange } from './exchange.ts';
import { decoded, type FoundPlaceholder, findPlaceholders, isAt, split } from './find-placeholders.ts';
import type { Changes } from './outgoing-request.ts';
import type { ProxyContext } from './proxy-context.ts';
import { SecretPlaceholders } from './secret-placeholder.ts';

/** Rails and others act on this parameter instead of the method that was looked at. */
const OTHER_METHOD = /(?:^|&)_method=/i;
const HTTPS = 443;

/** By the list of names, which is another array when it changed. */
const placeholdersOf = new WeakMap<readonly string[], SecretPlaceholders>();

/**
 * Decides about the placeholders of values that are for any API. Each is filled in where its value is for, or the
 * request goes nowhere: in every mode, because with a placeholder in the place of a credential it could only fail.
 *
 * @param origin where the request will be sent, see `Upstreams.origin`
 * @returns undefined for a request that has none of them
 */
export async function boundCredential(
  context: Pick<ProxyContext, 'authorise' | 'keys'>,
  exchange: Exchange,
  changes: Changes,
  origin: string,
): Promise<Credential | undefined> {
  const { keys } = context;
  const names = keys?.namesOfUses() ?? [];
  if (keys === undefined || names.length === 0) return undefined;
  const found = placeholdersIn(exchange, changes, names);
  const [first] = found;
  if (first === undefined) return undefined;
  const { destination } = exchange;
  try {
    const values: BoundValue[] = [];
    for (const placeholder of found) {
      const { name, place, where } = placeholder;
      const use = await keys.useOf(name);
      if (use === undefined) return elsewhere(placeholder, destination, undefined);
      const isMeant =
        isFor(use, exchange, changes, origin) && use.in.some((one) => isMeantFor(one, placeholder));
      if (place === undefined || !isMeant) return elsewhere(placeholder, destination, use);
      if (values.some((value) => value.name === name)) {
        return refusal(
          name,
          'bad-request',
          'request/invalid',
          'ambiguous-placeholder',
          `The placeholder of ${name} stands in more than one place, the last one ${where}. It is filled in once.`,
        );
      }
      if (use.expires !== undefined && Date.parse(use.expires) <= Date.now()) {
        const message = `The sealed key ${name} was to be used until ${use.expires}.`;
        return refusal(name, 'denied', 'vault/expired', 'expired', message);
      }
      values.push({ name, use, place });
    }
    const isOfProvider = (name: string | undefined): boolean => !values.some((value) => value.name === name);
    if (askedNames(exchange.request, changes.path).some(isOfProvider)) {
      const message = `The request has the placeholder of a provider's key beside that of ${first.name}. They are not sent together.`;
      return refusal(first.name, 'bad-request', 'request/invalid', 'ambiguous-placeholder', message);
    }
    if (exchange.upgrade !== undefined) {
      const message = `The sealed key ${first.name} is not sent in the handshake of a WebSocket: its messages could repeat it.`;
      return refusal(first.name, 'denied', 'request/invalid', 'placeholder-elsewhere', message);
    }
    const standing = await context.authorise(exchange.caller);
    if (standing.allowed) return { kind: 'bound', values };
    const message = `${standing.reason} ${standing.hint}`;
    return refusal(first.name, 'not-allowed', standing.code, 'caller-not-allowed', message);
  } catch (error) {
    const { refusal: why } = unusable(error);
    return { kind: 'refused', refusal: { ...why, secret: first.name } };
  }
}

/** Those that are decided about. What a conversation with a model says about them is text, and stays it. */
function placeholdersIn(
  { destination, request, read }: Exchange,
  { path, body }: Changes,
  names: readonly string[],
): FoundPlaceholder[] {
  let known = placeholdersOf.get(names);
  if (known === undefined) {
    known = new SecretPlaceholders(names);
    placeholdersOf.set(names, known);
  }
  return findPlaceholders(
    {
      host: destination.host,
      rawHeaders: request.rawHeaders,
      contentType: request.headers['content-type'] ?? '',
      path,
      body: destination.provider === undefined ? (body ?? read.plain) : undefined,
    },
    known,
  );
}

function isMeantFor(allowed: SecretPlace, { place }: FoundPlaceholder): boolean {
  return place !== undefined && isAt(place, allowed);
}

function isFor(
  use: SecretUse,
  { destination, method, request, read }: Exchange,
  changes: Changes,
  origin: string,
): boolean {
  // What is sent, and not what came in.
  const { path, query = '' } = split(changes.path);
  if (!use.hosts.some((host) => isHost(host, destination)) || !isPrivate(destination, origin)) return false;
  if (use.methods !== undefined) {
    const isNamed = use.methods.some((one) => one === method);
    if (!isNamed || OTHER_METHOD.test(decoded(query))) return false;
    const isForm = /^(?:application\/x-www-form-urlencoded|multipart\/)/i.test(
      request.headers['content-type'] ?? '',
    );
    if (isForm && decoded((changes.body ?? read.plain)?.toString('latin1') ?? '').includes('_method')) {
      return false;
    }
  }
  return use.paths === undefined || isOnPath(use.paths, path);
}

function isHost(written: string, { host, port }: Destination): boolean {
  const [, pattern = '', ownPort = String(HTTPS)] = /^(.*?)(?::(\d+))?$/.exec(withoutBrackets(written)) ?? [];
  if (Number(ownPort) !== port) return false;
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
}

/** `[::1]:8080` as the destination has it: a host without brackets, and a port. */
function withoutBrackets(written: string): string {
  return written.startsWith('[') && !written.endsWith(']')
    ? written.replace(/^\[|\]/g, '')
    : written.replace(/^\[(.*)\]$/, `$1:${HTTPS}`);
}

/** Over TLS, or not beyond this machine. */
function isPrivate({ protocol, host }: Destination, origin: string): boolean {
  const actual = new URL(origin);
  const staysHere = LOOPBACK.test(actual.hostname);
  if (protocol === 'https:') return actual.protocol === 'https:' || staysHere;
  return staysHere && LOOPBACK.test(host.includes(':') ? `[${host}]` : host);
}

/** However the server reads an escape, the path has to be one of these. */
function isOnPath(globs: readonly string[], path: string): boolean {
  const readings = new Set([path, decoded(path)]);
  const matches = globs.map(compilePathGlob);
  return [...readings].every(
    (reading) =>
      // A part that leads up, or that some servers cut off or join, is more than one path.
      !/[\\;#?]|[^\x21-\x7e]|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/.test(reading) &&
      matches.some((isMatch) => isMatch(reading)),
  );
}

function elsewhere(
  { name, where }: FoundPlaceholder,
  { host, path }: Destination,
  use: SecretUse | undefined,
): Credential {
  const target = `${host}${split(path).path.slice(0, 128)}`;
  const meant = use === undefined ? '' : ` It is for ${describeUse(use)}.`;
  return refusal(
    name,
    'denied',
    'request/invalid',
    'placeholder-elsewhere',
    `The placeholder of the sealed key ${name} stands in ${where} of a request to ${target}, where it is not filled in.${meant}`,
  );
}

function refusal(
  secret: string,
  ...[kind, code, rule, message]: Parameters<typeof refused>
): Extract<Credential, { kind: 'refused' }> {
  const { refusal: why } = refused(kind, code, rule, message);
  return { kind: 'refused', refusal: { ...why, secret } };
}
