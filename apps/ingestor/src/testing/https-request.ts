import { once } from 'node:events';
import { request } from 'node:https';

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
