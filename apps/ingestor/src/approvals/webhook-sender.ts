import { request } from 'node:https';
import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { addressesOf, PUBLIC_NETWORK, pinned } from '../http/outbound.ts';

/** How long a chat service may take, milliseconds. */
const TIMEOUT_MS = 10_000;
const HINT = 'Use the https address that the chat service gives for incoming webhooks.';

/**
 * Posts to an address that an administrator typed in, and that must not become a way into this network: https alone, no
 * redirect is followed, and the connection goes to exactly the addresses that were looked at.
 */
@Injectable()
export class WebhookSender {
  /** Another one where a test runs a chat service of its own. */
  network = PUBLIC_NETWORK;

  /** @throws RaypherError `request/invalid` for an address that is not on the public internet; Error when it does not take it */
  async post(url: string, body: string, headers: Record<string, string>): Promise<void> {
    const target = new URL(url);
    if (target.protocol !== 'https:' || target.username !== '' || target.password !== '') {
      throw new RaypherError(
        'request/invalid',
        'Only https addresses without a user in them are posted to.',
        { hint: HINT },
      );
    }
    const addresses = await addressesOf(this.network, target.hostname, HINT);
    const { ca } = this.network;
    const status = await send(target, body, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      // A connection that is kept would be to an address that was looked at long ago.
      agent: false,
      lookup: pinned(addresses),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(ca === undefined ? {} : { ca }),
    });
    if (status < 200 || status > 299) throw new Error(`the chat service answers ${status}`);
  }
}

function send(url: URL, body: string, options: Parameters<typeof request>[1]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const outgoing = request(url, options, (answer) => {
    resolve(answer.statusCode ?? 0);
    // What it says is nothing to us, however much it is.
    answer.destroy();
  });
  outgoing.on('error', reject);
  // One that answers with another protocol (101) gives neither an answer nor an error.
  outgoing.on('close', () => reject(new Error('the chat service gives no answer')));
  outgoing.end(body);
  return promise;
}
