import type { IncomingMessage } from 'node:http';
import { withoutCredentials, withoutQueryCredentials } from './credential-placeholder.ts';
import { type Credential, type CredentialRefusal, type SealedKeys, unusable } from './credentials.ts';
import type { Destination } from './destination.ts';
import { requestHeaders } from './headers.ts';
import { authority } from './upstreams.ts';

/** What is sent on. It may hold a sealed key: it goes to the upstream, and into no event and no log. */
export interface Outgoing {
  origin: string;
  path: string;
  headers: Record<string, string | string[]>;
}

/**
 * Puts the credential in that was decided on. Redirects are not followed by the upstream's client, so a key that is
 * put in here goes to this origin only.
 */
export async function outgoingRequest(
  request: IncomingMessage,
  { protocol, host, port, path }: Destination,
  origin: string,
  credential: Credential,
  keys: SealedKeys | undefined,
): Promise<Outgoing | { refusal: CredentialRefusal }> {
  if (credential.kind === 'refused') return credential;
  const headers = requestHeaders(request, authority(protocol, host, port));
  if (credential.kind !== 'sealed' || keys === undefined) return { origin, path, headers };
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
    origin,
    path: withoutQueryCredentials(path),
    headers: { ...withoutCredentials(headers), [name]: `${scheme}${key}` },
  };
}
