import { once } from 'node:events';
import { type RequestOptions, request } from 'node:https';

export interface HttpsAnswer {
  status: number;
  // Tests look into answers freely; what they expect they assert.
  body: { error?: { code: string }; [key: string]: unknown };
}

/** One POST of JSON over TLS; `key` and `cert` make it mutual. The test's own server is taken unseen. */
export async function postJson(
  port: number,
  path: string,
  body: unknown,
  identity: { key?: string; cert?: string } = {},
): Promise<HttpsAnswer> {
  const text = JSON.stringify(body);
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    rejectUnauthorized: false,
    agent: false,
    ...identity,
  });
  outgoing.end(text);
  const [response] = await once(outgoing, 'response');
  let answer = '';
  for await (const chunk of response) answer += chunk;
  return { status: response.statusCode, body: JSON.parse(answer) };
}

export interface BytesAnswer {
  status: number;
  body: Buffer;
}

/** One request as it is given, and the answer as it comes. */
export async function requestBytes(options: RequestOptions, body?: Buffer): Promise<BytesAnswer> {
  const outgoing = request(options);
  const { promise, resolve, reject } = Promise.withResolvers<BytesAnswer>();
  outgoing.on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    response.on('error', reject);
  });
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}
