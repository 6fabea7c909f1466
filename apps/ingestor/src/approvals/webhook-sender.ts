import { lookup } from 'node:dns/promises';
import { request } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Injectable } from '@nestjs/common';
import { specialAddress, specialName } from '@raypher/policy';
import { RaypherError } from '@raypher/shared';

/** How long a chat service may take, milliseconds. */
const TIMEOUT_MS = 10_000;

/** What is reached and how names are resolved. */
export interface WebhookNetwork {
  /** Every address of a name. */
  resolve(host: string): Promise<{ address: string; family: number }[]>;
  /** Why this address must not be connected to. */
  refusal(address: string): string | undefined;
  /** Certificate authorities, PEM, instead of the usual ones. */
  ca?: string;
}

/** The public internet, and nothing of this network. */
export const PUBLIC_NETWORK: WebhookNetwork = {
  resolve: (host) => lookup(host, { all: true }),
  refusal: (address) => {
    const special = specialAddress(address);
    return special === undefined ? undefined : `${address} is ${special.class}, not on the public internet`;
  },
};

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
      throw refused('Only https addresses without a user in them are posted to.');
    }
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const addresses = await this.addressesOf(host);
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

  private async addressesOf(host: string): Promise<{ address: string; family: number }[]> {
    const name = specialName(host.replace(/\.$/, '').toLowerCase());
    if (name !== undefined) throw refused(`${host} is ${name.class}, not on the public internet.`);
    const family = isIP(host);
    const addresses = family === 0 ? await this.network.resolve(host) : [{ address: host, family }];
    for (const { address } of addresses) {
      const why = this.network.refusal(address);
      // One is enough: who mixes them wants to be connected to the other.
      if (why !== undefined) throw refused(`${why}.`);
    }
    if (addresses.length === 0) throw new Error(`${host} has no address`);
    return addresses;
  }
}

function pinned(addresses: readonly { address: string; family: number }[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 4);
  };
}

function send(url: URL, body: string, options: Parameters<typeof request>[1]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const outgoing = request(url, options, (answer) => {
    resolve(answer.statusCode ?? 0);
    // What it says is nothing to us, however much it is.
    answer.destroy();
  });
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

function refused(message: string): RaypherError {
  return new RaypherError('request/invalid', message, {
    hint: 'Use the https address that the chat service gives for incoming webhooks.',
  });
}
