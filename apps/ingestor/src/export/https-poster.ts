import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { RaypherError } from '@raypher/shared';
import { addressesOf, type OutboundNetwork, pinned } from '../http/outbound.ts';
import { DeliveryError, heard } from './delivery.ts';
import { NETWORK_HINT } from './export-network.ts';

/** How long a receiver may be silent, milliseconds. */
const TIMEOUT_MS = 30_000;
const LONGEST_ANSWER = 64 * 1024;
const LONGEST_RETRY_AFTER_MS = 3_600_000;

export interface Posted {
  status: number;
  body: string;
}

/**
 * Posts to one https address over one connection: resolved once, verified TLS, no redirects.
 */
export class HttpsPoster {
  readonly #target: URL;
  readonly #network: OutboundNetwork;
  readonly #ca: string | undefined;
  readonly #secrets: readonly string[];
  #agent: Agent | undefined;

  /** @param secrets what must not be in what is heard from the receiver */
  constructor(target: URL, network: OutboundNetwork, ca: string | undefined, secrets: readonly string[]) {
    this.#target = target;
    this.#network = network;
    this.#ca = ca;
    this.#secrets = secrets;
  }

  /**
   * @param path instead of the target's
   * @throws DeliveryError for every answer but 2xx, and for none
   */
  async post(
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    path: string = this.#target.pathname + this.#target.search,
  ): Promise<Posted> {
    this.#agent ??= await this.#connectable();
    const posted = await this.#exchange(this.#agent, headers, body, path);
    if (posted.status >= 200 && posted.status <= 299) return posted;
    throw this.#refusal(posted);
  }

  async close(): Promise<void> {
    this.#agent?.destroy();
  }

  async #connectable(): Promise<Agent> {
    const { hostname } = this.#target;
    try {
      const addresses = await addressesOf(this.#network, hostname, NETWORK_HINT);
      const ca = this.#ca ?? this.#network.ca;
      return new Agent({
        keepAlive: true,
        maxSockets: 1,
        lookup: pinned(addresses),
        rejectUnauthorized: true,
        ...(ca === undefined ? {} : { ca }),
      });
    } catch (cause) {
      throw unreachable(cause, this.#secrets);
    }
  }

  async #exchange(
    agent: Agent,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    path: string,
  ): Promise<Posted & { retryAfter?: string | undefined }> {
    const { hostname, port } = this.#target;
    const { promise, resolve, reject } = Promise.withResolvers<
      Posted & { retryAfter?: string | undefined }
    >();
    let isAnswered = false;
    const outgoing = request(
      {
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? 443 : Number(port),
        path,
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': body.length },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (answer) => {
        isAnswered = true;
        let length = 0;
        answer.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > LONGEST_ANSWER) answer.destroy(new Error('the answer is too long'));
        });
        text(answer).then(
          (said) =>
            resolve({
              status: answer.statusCode ?? 0,
              body: said,
              retryAfter: answer.headers['retry-after'],
            }),
          reject,
        );
      },
    );
    outgoing.on('error', reject);
    // One that answers with another protocol (101) gives neither an answer nor an error.
    outgoing.on('close', () => {
      if (!isAnswered) reject(new Error('the receiver gives no answer'));
    });
    outgoing.end(body);
    try {
      return await promise;
    } catch (cause) {
      throw unreachable(cause, this.#secrets);
    }
  }

  #refusal({ status, body, retryAfter }: Posted & { retryAfter?: string | undefined }): DeliveryError {
    const words = heard(body, this.#secrets);
    return new DeliveryError(`${status}${words === '' ? '' : ` ${words}`}`, {
      isPermanent: status < 500 && ![408, 425, 429].includes(status),
      retryAfterMs: retryAfterMs(retryAfter),
    });
  }
}

/** Seconds or a date (RFC 9110 §10.2.3). */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

/** Why nobody was reached, in words without secrets. */
export function unreachable(cause: unknown, secrets: readonly string[]): DeliveryError {
  if (cause instanceof DeliveryError) return cause;
  const hint = cause instanceof RaypherError && cause.hint !== undefined ? ` ${cause.hint}` : '';
  const message = `${cause instanceof Error ? cause.message : String(cause)}${hint}`;
  return new DeliveryError(heard(message, secrets), {
    // An address that may not be reached stays one.
    isPermanent: cause instanceof RaypherError,
    cause,
  });
}
