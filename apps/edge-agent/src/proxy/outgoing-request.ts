import type { IncomingMessage } from 'node:http';
import { withoutCredentials, withoutQueryCredentials } from './credential-placeholder.ts';
import { type Credential, type CredentialRefusal, type SealedKeys, unusable } from './credentials.ts';
import type { Destination } from './destination.ts';
import { EchoMask } from './echo-mask.ts';
import { requestHeaders } from './headers.ts';
import { putIn } from './put-in.ts';
import type { ReadBody } from './request-body.ts';
import { authority } from './upstreams.ts';

/** What is sent on. It may hold a sealed key: it goes to the upstream, and into no event and no log. */
export interface Outgoing {
  path: string;
  headers: Record<string, string | string[]>;
  /** Instead of the body that would go on otherwise. */
  body?: Buffer;
}

/** What is sent on, and what its answer is not to repeat. */
export interface Prepared {
  readonly outgoing: Outgoing;
  readonly mask: EchoMask | undefined;
  /** How often each value for any API was used, this time included. */
  readonly uses: Readonly<Record<string, number>>;
}

/** What a request sends that is not what came in: data that was taken out of it. */
export interface Changes {
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Undefined: the body goes on as it came. */
  readonly body: Buffer | undefined;
}

/**
 * Puts the credential in that was decided on. Redirects are not followed by the upstream's client, so a key that is
 * put in here goes to this origin only.
 */
export async function outgoingRequest(
  { request, destination, read }: { request: IncomingMessage; destination: Destination; read: ReadBody },
  credential: Credential,
  keys: SealedKeys | undefined,
  changes: Changes,
): Promise<Prepared | { refusal: CredentialRefusal }> {
  if (credential.kind === 'refused') return credential;
  const { protocol, host, port, provider } = destination;
  const { path } = changes;
  const headers = changedHeaders(requestHeaders(request, authority(protocol, host, port)), changes);
  // What is read on its way back has to be readable; between the client and this machine nothing is gained by packing.
  if (provider !== undefined) headers['accept-encoding'] = 'identity';
  if (credential.kind === 'bound' && keys !== undefined) {
    return putIn({ path, headers }, changes.body ?? read.plain, credential.values, keys);
  }
  if (credential.kind !== 'sealed' || keys === undefined) {
    return { outgoing: { path, headers }, mask: undefined, uses: {} };
  }
  let value: Uint8Array;
  try {
    value = await keys.take(credential);
  } catch (error) {
    return unusable(error);
  }
  const { name, scheme } = credential.header;
  // Header values are strings in every HTTP client of Node; this copy is left to the garbage collector.
  const key = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
  value.fill(0);
  return {
    outgoing: {
      path: withoutQueryCredentials(path),
      headers: { ...withoutCredentials(headers), [name]: `${scheme}${key}` },
    },
    mask: new EchoMask([key]),
    uses: {},
  };
}

function changedHeaders(
  headers: Record<string, string | string[]>,
  { headers: changed, body }: Changes,
): Record<string, string | string[]> {
  const result = { ...headers };
  const values = new Map<string, string[]>();
  for (const [name, value] of changed) {
    const key = name.toLowerCase();
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  for (const [name, list] of values) {
    if (Object.hasOwn(result, name)) result[name] = list.length === 1 ? (list[0] ?? '') : list;
  }
  if (body !== undefined) {
    // It is written as it is read: unpacked, with its length known.
    delete result['content-encoding'];
    result['content-length'] = String(body.length);
  }
  return result;
}
