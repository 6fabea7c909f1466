import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { BOT, TestProxy } from '../testing/test-proxy.ts';
import type { Caller } from './caller.ts';

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

test('whoever hangs up while it is being identified sends nothing and is recorded', async () => {
  const found = Promise.withResolvers<Caller>();
  world.caller = found.promise;
  const socket = connect(world.proxy.port, '127.0.0.1');
  const request = 'GET http://gateway.example/v1/models HTTP/1.1\r\nHost: x\r\n\r\n';
  await new Promise((sent) => socket.write(request, sent));
  await expect.poll(() => world.proxy.connections).toBe(1);
  socket.destroy();
  await expect.poll(() => world.proxy.connections).toBe(0);
  found.resolve(BOT);
  expect(await world.recorded).toMatchObject({ actor: { name: 'bot' }, data: { host: 'gateway.example' } });
  expect(world.upstream.requests).toEqual([]);
});

test('a name that leads back into the proxy does not make a request its own', async () => {
  world.proxy.redirect({ 'back.example': world.url, 'api.openai.com': world.upstream.url });
  expect((await world.absolute('http://back.example/v1/models', { authorization: 'Bearer k' })).status).toBe(
    400,
  );
  const inner = 'GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';
  const socket = connect(world.proxy.port, '127.0.0.1');
  socket.write('CONNECT back.example:80 HTTP/1.1\r\nHost: x\r\n\r\n');
  let answer = '';
  for await (const chunk of socket) {
    answer += chunk;
    if (answer.endsWith('Established\r\n\r\n')) socket.write(inner);
  }
  expect(answer).toContain('HTTP/1.1 400 ');
  expect(world.upstream.requests).toEqual([]);
});

test.each([
  ['a page of another site', { origin: 'https://evil.example' }],
  ['a page without an origin', { origin: 'null' }],
  ['an image in a page of another site', { 'sec-fetch-site': 'cross-site' }],
  ['a page whose name was pointed at this machine', { host: 'evil.example:8888' }],
])('%s cannot call a model through the base URL', async (_who, headers) => {
  const answer = await world.direct('/v1/chat/completions', { authorization: 'Bearer k', ...headers });
  expect(answer.status).toBe(400);
  expect(world.models).toEqual([]);
  expect(world.upstream.requests).toEqual([]);
});

test.each([{}, { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }, { host: '[::1]:8888' }])(
  'a program or page of this machine can, with %j',
  async (headers) => {
    const answer = await world.direct('/v1/chat/completions', { authorization: 'Bearer k', ...headers });
    expect(answer.status).toBe(200);
  },
);

const form = 'multipart/form-data; boundary=b';
test.each([
  ['/ollama/api/chat', 'a key that Go reads regardless of case', '{"model": "other", "Model": "gpt-4o"}', ''],
  [
    '/ollama/api/chat',
    'a form that is JSON',
    '{"a": "name=model",\r\n\r\n"b": 1,\r\n"model": "gpt-4o"}',
    form,
  ],
  ['/v1/audio/transcriptions', 'a form field that is written oddly', '--b\r\n\r\nmodel\r\n--b--', form],
  ['/v1/images/generations', 'the default model of the call', '{"prompt": "x"}', ''],
  ['/v1/respons%65s', 'an encoded path', '{"prompt": {"id": "x"}}', ''],
  ['/gemini/v1beta/%6dodels/gpt-4o:generateContent', 'an encoded path to the model', '{}', ''],
  ['/gemini/v1beta//models/gpt-4o:generateContent', 'a doubled slash before the model', '{}', ''],
  ['/gemini/v1beta/models/gpt-4o%3agenerateContent', 'an encoded colon', '{}', ''],
  ['/gemini/v1beta/models/x:y:generateContent', 'a name with a colon', '{}', ''],
  ['/gemini/v1beta/models/x:generateAnswer', 'a verb that nobody knows', '{}', ''],
  [
    '/gemini/batch',
    'requests inside of a request',
    '--b\r\nContent-Type: application/http\r\n\r\nPOST /v1beta/models/gpt-4o:generateContent\r\n\r\n{}\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nother\r\n--b--',
    'multipart/mixed; boundary=b',
  ],
  ['/gemini/v1beta/interactions', 'an agent that has a model', '{"agent": "x", "input": "x"}', ''],
  [
    '/vertex/global/v1/projects/p/locations/l/reasoningEngines/1:query',
    'an engine',
    '{"model": "other"}',
    '',
  ],
  ['/bedrock/eu-central-1/retrieveAndGenerate', 'a model deep inside', '{"model": "other"}', ''],
  [
    '/bedrock/eu-central-1/async-invoke',
    'a field that is ignored',
    '{"model": "other", "modelId": "gpt-4"}',
    '',
  ],
  ['/huggingface/hf-inference/models/a/gpt-4', 'a model in the path', '{"model": "other"}', ''],
  ['/nvidia/v1/genai/a/gpt-4', 'a model in the path', '{"model": "other"}', ''],
  ['/fireworks/inference/v1/workflows/a/models/gpt-4/text_to_image', 'a model in the path', '{}', ''],
  ['/v1/batches', 'a field that is ignored', '{"model": "other", "input_file_id": "f"}', ''],
  ['/mistral/v1/batch/jobs', 'a field that is ignored', '{"model": "other", "input_files": ["f"]}', ''],
  [
    '/v1/messages/batches',
    'a field that is ignored',
    '{"model": "other", "requests": [{"params": {"model": "gpt-4o"}}]}',
    '',
  ],
  ['/perplexity/async/chat/completions', 'a field that is ignored', '{"model": "other", "request": {}}', ''],
  ['/v1/realtime/client_secrets', 'a field that is ignored', '{"model": "other", "session": {}}', ''],
  ['/v1/videos/v/remix', 'the model of another video', '{"prompt": "x"}', ''],
  ['/v1/videos/extensions', 'the model of another video', '{"prompt": "x"}', ''],
  ['/v1/threads/t/runs/r/submit_tool_outputs', 'the model of a run', '{"tool_outputs": []}', ''],
  ['/anthropic/v1/sessions/s/events', 'the model of an agent', '{"model": "other", "events": []}', ''],
  [
    '/v1/responses',
    'a tool that the provider runs',
    '{"model": "other", "tools": [{"type": "web_search"}, {"type": "image_generation", "model": "gpt-4-image"}]}',
    '',
  ],
  [
    '/v1/responses',
    'a tool with two models',
    '{"model": "other", "tools": [{"mod\\u0065l": "gpt-4-image", "model": "x"}]}',
    '',
  ],
])('at %s a rule about models cannot be avoided with %s', async (path, _how, body, type) => {
  world.enforce('rules: [{ id: no-gpt, effect: deny, models: ["gpt-4*"] }]');
  const answer = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': type === '' ? 'application/json' : type },
    body,
  });
  await answer.text();
  expect(answer.status).toBe(403);
  expect(world.upstream.requests).toEqual([]);
});

test.each([
  ['/v1/responses', { model: 'o3', tools: [{ type: 'function', parameters: { model: 'gpt-4' } }] }],
  ['/v1/responses', { model: 'o3', input: [{ model: 'gpt-4' }] }],
  ['/v1/videos/v/content', {}],
  ['/gemini/upload/v1beta/files', {}],
  ['/gemini/v1beta/fileSearchStores', {}],
  ['/bedrock/eu-central-1/model/a.b-v1%3A0/converse', {}],
])('at %s a rule about models leaves %j alone', async (path, body) => {
  // None of them leaves this machine.
  const hosts = [
    'api.openai.com',
    'generativelanguage.googleapis.com',
    'bedrock-runtime.eu-central-1.amazonaws.com',
  ];
  world.proxy.redirect(Object.fromEntries(hosts.map((host) => [host, world.upstream.url])));
  world.enforce('rules: [{ id: no-gpt, effect: deny, models: ["gpt-4*"] }]');
  const answer = await fetch(`${world.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  expect(await answer.text()).not.toContain('no-gpt');
});

test.each(['name=model\r\n', 'name=model'])('a form full of %j does not stop the proxy', async (piece) => {
  const began = process.cpuUsage().user;
  await fetch(`${world.url}/v1/audio/transcriptions`, {
    method: 'POST',
    headers: { 'content-type': form },
    body: `--b\r\n${piece.repeat(90_000)}`,
  }).then((answer) => answer.text());
  expect((process.cpuUsage().user - began) / 1000).toBeLessThan(5_000);
});
