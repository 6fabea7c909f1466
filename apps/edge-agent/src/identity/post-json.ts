import { request } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { isErrorCode, RaypherError } from '@raypher/shared';
import { z } from 'zod';
import { openTunnel } from './tunnel.ts';

const MAX_ANSWER_BYTES = 1024 * 1024;
const TIMEOUT_MS = 15_000;

export interface PostOptions {
  timeoutMs?: number;
  /** That the control plane is reached through. */
  proxy?: URL | undefined;
}

const ErrorAnswer = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }),
});

/**
 * Posts JSON to the control plane with full verification against one root.
 *
 * @returns undefined for an answer without a body
 * @throws RaypherError with the server's own code, or `link/unreachable`
 */
export async function postJson(
  url: URL,
  body: unknown,
  tls: SecureContextOptions,
  { timeoutMs = TIMEOUT_MS, proxy }: PostOptions = {},
): Promise<unknown> {
  const limit = AbortSignal.timeout(timeoutMs);
  const tunnel = proxy === undefined ? undefined : await openTunnel(proxy, url, limit);
  const { status, text } = await send(url, JSON.stringify(body), tls, tunnel, limit);
  const answer = parseJson(text);
  if (status >= 200 && status < 300 && (answer !== undefined || text === '')) return answer;
  const refusal = ErrorAnswer.safeParse(answer);
  if (refusal.success && isErrorCode(refusal.data.error.code)) {
    const { code, message, hint } = refusal.data.error;
    throw new RaypherError(isErrorCode(code) ? code : 'link/protocol', message, {
      ...(hint === undefined ? {} : { hint }),
      details: { status },
    });
  }
  throw new RaypherError('link/protocol', `The control plane answered ${status} without a reason.`, {
    hint: 'Check that the address is that of a Raypher control plane.',
    details: { status, url: url.origin + url.pathname },
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(
  url: URL,
  body: string,
  tls: SecureContextOptions,
  tunnel: Socket | undefined,
  limit: AbortSignal,
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const outgoing = request(
    {
      ...tls,
      host,
      port: url.port || 443,
      path: url.pathname,
      method: 'POST',
      ...(isIP(host) ? {} : { servername: host }),
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      agent: false,
      ...(tunnel === undefined ? {} : { socket: tunnel }),
      signal: limit,
    },
    (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) answer.destroy(new Error('the answer is too large'));
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on('error', fail);
    },
  );
  function fail(cause: Error): void {
    reject(
      new RaypherError('link/unreachable', `${url.origin} cannot be reached: ${cause.message}.`, {
        hint: 'Check the network and that the control plane is running.',
        cause,
      }),
    );
  }
  outgoing.on('error', fail);
  outgoing.end(body);
  return promise;
}
