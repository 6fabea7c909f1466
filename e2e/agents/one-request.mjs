// A program that sends one HTTPS request through the proxy, as any client with HTTPS_PROXY does, and prints the answer
// as one JSON line.
import { readFileSync } from 'node:fs';
import { ProxyAgent, request } from 'undici';

const { HTTPS_PROXY, ROOT, URL, AUTHORIZATION } = process.env;
const dispatcher = new ProxyAgent({ uri: HTTPS_PROXY, requestTls: { ca: readFileSync(ROOT) } });
const { statusCode, body } = await request(URL, { dispatcher, headers: { authorization: AUTHORIZATION } });
console.log(JSON.stringify({ ok: statusCode < 400, status: statusCode, text: await body.text() }));
await dispatcher.close();
