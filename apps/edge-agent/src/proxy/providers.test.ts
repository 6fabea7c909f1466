import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TestProxy } from '../testing/test-proxy.ts';
import { keyHeaderOf, PROVIDERS_WITH_KEYS } from './key-header.ts';
import { loadProviderTable } from './provider-table.ts';
import {
  isLocalProvider,
  knownPath,
  PROVIDERS,
  providerByHost,
  providerById,
  routeByPath,
} from './providers.ts';

describe('whose host it is', () => {
  test.each([
    ['api.openai.com', 'openai'],
    ['eu.api.openai.com', 'openai'],
    ['acme.openai.azure.com', 'azure'],
    ['acme.services.ai.azure.com', 'azure'],
    ['bedrock-runtime.eu-central-1.amazonaws.com', 'bedrock'],
    ['bedrock-runtime.cn-north-1.amazonaws.com.cn', 'bedrock'],
    ['europe-west4-aiplatform.googleapis.com', 'vertex'],
    ['aiplatform.googleapis.com', 'vertex'],
    ['dashscope.aliyuncs.com', 'dashscope'],
    ['api.moonshot.cn', 'moonshot'],
    ['open.bigmodel.cn', 'zhipu'],
    ['abc.us-east-1.aws.endpoints.huggingface.cloud', 'huggingface'],
  ])('%s is of %s', (host, id) => {
    expect(providerByHost(host, 443)?.id).toBe(id);
  });

  test.each([
    'acme.openai.azure.com.evil.example',
    'openai.azure.com',
    'a.b.openai.azure.com',
    'bedrock-runtime.amazonaws.com',
    'bedrock-runtime.a.b.amazonaws.com',
    'xbedrock-runtime.eu-central-1.amazonaws.com',
    'europe-west4.aiplatform.googleapis.com',
    'storage.googleapis.com',
    'api.openai.com.evil.example',
    'notapi.openai.com',
    '127.0.0.1',
  ])('%s is nobody of them', (host) => {
    expect(providerByHost(host, 443)).toBeUndefined();
  });

  test('of a provider on this machine the port counts', () => {
    expect(providerByHost('localhost', 11_434)?.id).toBe('ollama');
    expect([isLocalProvider('::1', 11_434), isLocalProvider('127.0.0.1', 80)]).toEqual([true, false]);
    expect(isLocalProvider('api.openai.com', 443)).toBe(false);
  });
});

describe('where a path of the proxy leads', () => {
  test.each([
    ['/v1/chat/completions', 'https://api.openai.com', '/v1/chat/completions'],
    ['/v1/messages?beta=true', 'https://api.anthropic.com', '/v1/messages?beta=true'],
    [
      '/v1beta/models/g:generateContent',
      'https://generativelanguage.googleapis.com',
      '/v1beta/models/g:generateContent',
    ],
    ['/api/chat', 'http://127.0.0.1:11434', '/api/chat'],
    ['/xai/v1/responses', 'https://api.x.ai', '/v1/responses'],
    ['/azure/Acme/openai/v1/responses', 'https://acme.openai.azure.com', '/openai/v1/responses'],
    ['/azure/acme?x=1', 'https://acme.openai.azure.com', '/?x=1'],
    [
      '/bedrock/us-east-1/model/m/converse',
      'https://bedrock-runtime.us-east-1.amazonaws.com',
      '/model/m/converse',
    ],
    ['/vertex/global/v1/projects/p', 'https://aiplatform.googleapis.com', '/v1/projects/p'],
    ['/vertex/us-central1/v1/x', 'https://us-central1-aiplatform.googleapis.com', '/v1/x'],
  ])('%s leads to %s', (path, origin, sent) => {
    expect(routeByPath(path, false)).toMatchObject({ origin, path: sent });
  });

  test.each([
    '/azure/',
    '/azure/evil.example/x',
    '/azure/evil.example%2f/x',
    '/azure/a@evil.example/x',
    '/azure/a:80/x',
    '/azure/-a/x',
    '/azure/__proto__/x',
    `/azure/${'a'.repeat(64)}/x`,
    '/vertex/constructor.x/y',
    '/nobody/v1/models',
    '/openaix/v1/models',
  ])('%s leads nowhere', (path) => {
    expect(routeByPath(path, false)).toBeUndefined();
  });

  test('a path that two providers have goes by the header of one', () => {
    expect(routeByPath('/v1/models', true)?.provider.id).toBe('anthropic');
    expect(routeByPath('/v1/models', false)?.provider.id).toBe('openai');
  });
});

/** What the table says about a path: kind, where the model is and, in the path, which, and the error shape. */
function about(id: string, path: string) {
  const provider = providerById(id);
  if (provider === undefined) throw new Error(id);
  const known = knownPath(provider, path);
  const { operation, model, dialect } = known ?? {};
  const named = model === undefined ? operation?.model : path.slice(model.start, model.end);
  return [operation?.kind, named, operation?.stream, dialect];
}

describe('what a path is for', () => {
  test.each([
    ['openai', '/v1/responses?x=1', 'responses', 'body', 'sse', 'openai'],
    ['openai', '/v1/realtime?model=m', 'realtime', 'query', undefined, 'openai'],
    ['openai', '/v1/batches', 'batches', 'within', undefined, 'openai'],
    ['openai', '/v1/files/f/content', 'files', 'none', undefined, 'openai'],
    ['anthropic', '/v1/messages', 'chat', 'body', 'sse', 'anthropic'],
    ['anthropic', '/v1/chat/completions', 'chat', 'body', 'sse', 'openai'],
    ['anthropic', '/v1/messages/batches/b/results', 'batches', 'none', 'ndjson', 'anthropic'],
    ['gemini', '/v1beta/models/g-3:streamGenerateContent', 'chat', 'g-3', 'json-array', 'gemini'],
    ['gemini', '/v1beta/openai/chat/completions', 'chat', 'body', 'sse', 'openai'],
    [
      'vertex',
      '/v1/projects/p/locations/l/publishers/anthropic/models/c@1:streamRawPredict',
      'chat',
      'c@1',
      'sse',
      'gemini',
    ],
    [
      'vertex',
      '/v1/projects/p/locations/l/endpoints/openapi/chat/completions',
      'chat',
      'body',
      'sse',
      'openai',
    ],
    [
      'azure',
      '/openai/deployments/prod-4o/chat/completions?api-version=1',
      'chat',
      'prod-4o',
      'sse',
      'openai',
    ],
    ['azure', '/openai/v1/responses', 'responses', 'body', 'sse', 'openai'],
    ['bedrock', '/model/anthropic.claude-3:0/invoke', 'chat', 'anthropic.claude-3:0', undefined, 'bedrock'],
    [
      'bedrock',
      '/model/arn%3Aaws%2Fm/converse-stream',
      'chat',
      'arn%3Aaws%2Fm',
      'aws-eventstream',
      'bedrock',
    ],
    ['bedrock', '/openai/v1/chat/completions', 'chat', 'body', 'sse', 'openai'],
    ['mistral', '/v1/ocr', 'ocr', 'body', undefined, 'mistral'],
    ['ollama', '/api/chat', 'chat', 'body', 'ndjson', 'ollama'],
    ['ollama', '/v1/embeddings', 'embeddings', 'body', undefined, 'openai'],
    ['ollamacloud', '/api/chat', 'chat', 'body', 'ndjson', 'ollama'],
    ['cohere', '/v2/chat', 'chat', 'body', 'sse', 'cohere'],
    ['cohere', '/compatibility/v1/chat/completions', 'chat', 'body', 'sse', 'openai'],
    ['deepseek', '/anthropic/v1/messages', 'chat', 'body', 'sse', 'anthropic'],
    ['deepseek', '/chat/completions', 'chat', 'body', 'sse', 'openai'],
    ['huggingface', '/novita/v1/chat/completions', 'chat', 'body', 'sse', 'openai'],
    ['dashscope', '/api/v1/services/aigc/text-generation/generation', 'chat', 'body', 'sse', 'generic'],
    ['zhipu', '/api/paas/v4/chat/completions', 'chat', 'body', 'sse', 'openai'],
    ['groq', '/openai/v1/audio/transcriptions', 'audio', 'body', 'sse', 'openai'],
    ['perplexity', '/chat/completions', 'chat', 'body', 'sse', 'openai'],
    ['openrouter', '/api/v1/messages', 'chat', 'body', 'sse', 'anthropic'],
    ['openai', '/v1/something/new', undefined, undefined, undefined, 'openai'],
    ['cohere', '/v9/new', undefined, undefined, undefined, 'cohere'],
  ])('%s %s', (id, path, kind, model, stream, dialect) => {
    expect(about(id, path)).toEqual([kind, model, stream, dialect]);
  });

  test.each([
    ['openai', '/v1/files/../chat/completions'],
    ['openai', '/v1/files/..%2fchat%2Fcompletions'],
    ['openai', '/v1/files/%2e%2e/chat/completions'],
    ['openai', '/v1/files//chat'],
    ['openai', '/v1/files/x;/chat'],
    ['openai', '/v1/files/x\\..\\chat'],
    ['openai', '/v1/files/%252e%252e/chat'],
    ['azure', '/openai/deployments/ok/../gpt-4o/chat/completions'],
    ['bedrock', '/model/ok%2f..%2fgpt-4o/invoke'],
  ])('%s %s is none that the table describes', (id, path) => {
    expect(about(id, path)[0]).toBeUndefined();
  });
});

describe('how a key is sent', () => {
  test.each([
    ['openai', '/v1/models', 'authorization'],
    ['anthropic', '', 'x-api-key'],
    ['anthropic', '/v1/chat/completions', 'authorization'],
    ['gemini', '', 'x-goog-api-key'],
    ['gemini', '/v1beta/openai/chat/completions', 'authorization'],
    ['deepseek', '/anthropic/v1/messages', 'x-api-key'],
    ['cohere', '', 'authorization'],
  ])('%s %s: %s', (id, path, header) => {
    expect(keyHeaderOf(id, path)?.name).toBe(header);
  });

  test('none is sealed for providers whose customers have hosts of their own, nor for those without keys', () => {
    for (const id of ['azure', 'vertex', 'bedrock', 'ollama']) {
      expect(PROVIDERS_WITH_KEYS).not.toContain(id);
      expect(keyHeaderOf(id, '/openai/v1/responses')).toBeUndefined();
    }
  });
});

describe('the table', () => {
  const good = loadProviderTable();
  const refusedWith = (change: (table: typeof good) => void): string => {
    const table = structuredClone(good);
    change(table);
    const file = join(mkdtempSync(join(tmpdir(), 'raypher-providers-')), 'providers.json');
    writeFileSync(file, JSON.stringify(table));
    try {
      loadProviderTable(file);
      return '';
    } catch (error) {
      return String(error);
    }
  };
  const [first] = good.providers;
  if (first === undefined) throw new Error('the table is empty');

  test.each<[string, string, (table: typeof good) => void]>([
    ['an id twice', 'two providers are called openai', (table) => table.providers.push(first)],
    [
      'a surface that there is not',
      'there is no surface nothing',
      (table) =>
        table.providers.push({ ...first, id: 'other', surfaces: [{ at: '/v1', speaks: 'nothing' }] }),
    ],
    [
      'a model in a path without a place for it',
      'contradict each other',
      (table) => table.surfaces.openai?.operations.push({ path: '/x', kind: 'chat', model: 'path' }),
    ],
    [
      'an origin with a path',
      'origin',
      (table) => table.providers.push({ ...first, id: 'o', origin: 'https://a/b' }),
    ],
  ])('is refused with %s', (_what, problem, change) => {
    expect(refusedWith(change)).toContain(problem);
  });

  test('stands in the documentation', () => {
    const documentation = readFileSync(new URL('../../../../docs/providers.md', import.meta.url), 'utf8');
    for (const { id, name, origin: template, hosts } of good.providers) {
      const tenant = template.includes('{tenant}') ? '/{tenant}' : '';
      const seals = PROVIDERS_WITH_KEYS.includes(id) ? 'yes' : 'no';
      const row = `| \`${id}\` | ${name} | \`/${id}${tenant}\` | \`${template}\` | ${hosts.map((host) => `\`${host}\``).join(', ')} | ${seals} |`;
      expect(documentation).toContain(row);
    }
    expect(documentation.match(/^\| `[a-z0-9]+` \| /gm)).toHaveLength(PROVIDERS.length);
  });
});

describe('a rule about models', () => {
  let world: TestProxy;
  beforeAll(async () => {
    world = await TestProxy.start();
    const hosts = ['acme.openai.azure.com', 'bedrock-runtime.us-east-1.amazonaws.com', 'api.openai.com'];
    world.proxy.redirect(Object.fromEntries(hosts.map((host) => [host, world.upstream.url])));
  });
  afterEach(() => world.reset());
  afterAll(() => world.stop());

  /** With the path as it is: other clients would tidy it up. */
  async function send(path: string, body = '{}'): Promise<{ status: number | undefined; body: string }> {
    const headers = { authorization: 'Bearer k', 'content-length': body.length };
    const outgoing = request({ host: '127.0.0.1', port: world.proxy.port, method: 'POST', path, headers });
    outgoing.end(body);
    const [answer]: IncomingMessage[] = await once(outgoing, 'response');
    let text = '';
    if (answer !== undefined) for await (const chunk of answer) text += chunk;
    return { status: answer?.statusCode, body: text };
  }

  test.each([
    ['/azure/acme/openai/deployments/gpt-4o/chat/completions', '{"model":"other"}'],
    ['/azure/acme/openai//deployments/gpt-4o/chat/completions', '{"model":"other"}'],
    ['/azure/acme/openai/deployments/ok/../gpt-4o/chat/completions', '{"model":"other"}'],
    ['/azure/acme/openai/v1/responses', '{"model":"gpt-4o"}'],
    ['/bedrock/us-east-1/model/gpt-4o/converse', '{}'],
    ['/bedrock/us-east-1/model/gpt-4o%3A0/invoke', '{}'],
    ['/bedrock/us-east-1/model/%67pt-4o/invoke', '{}'],
    ['/vertex/us-central1/v1/projects/p/locations/l/publishers/google/models/gpt-4o:generateContent', '{}'],
    ['/v1/realtime?model=gpt-4o', '{"model":"other"}'],
    ['/v1/realtime?model=other&model=gpt-4o', '{"model":"other"}'],
    ['/v1/batches', '{"input_file_id":"f"}'],
    ['/v1/files/../chat/completions', '{}'],
    ['/xai/v1/responses', '{"model":"gpt-4o"}'],
  ])('holds at %s', async (path, body) => {
    world.enforce('rules: [{ id: no-gpt, effect: deny, models: ["gpt-4*"] }]');
    expect((await send(path, body)).status).toBe(403);
    expect(world.upstream.requests).toEqual([]);
  });

  test('lets other models of the same providers through', async () => {
    world.enforce('rules: [{ id: no-gpt, effect: deny, models: ["gpt-4*"] }]');
    await send('/azure/acme/openai/deployments/other/chat/completions');
    await send('/bedrock/us-east-1/model/other/invoke');
    expect(world.upstream.requests.map(({ path }) => path)).toEqual([
      '/openai/deployments/other/chat/completions',
      '/model/other/invoke',
    ]);
  });

  test('leads a call elsewhere where the path names the model', async () => {
    world.govern('routing: { downgrade: [{ id: thrift, models: ["gpt-4o"], to: { model: "small/1" } }] }');
    await send('/azure/acme/openai/deployments/gpt-4o/chat/completions', '{"model":"gpt-4o"}');
    expect(world.upstream.requests.map(({ path }) => path)).toEqual([
      '/openai/deployments/small%2F1/chat/completions',
    ]);
  });

  test.each([
    ['/bedrock/us-east-1/model/gpt-4o/converse', { __type: 'AccessDeniedException' }],
    ['/mistral/v1/chat/completions', { object: 'error', code: 'policy_denied' }],
    ['/cohere/v2/chat', { message: expect.stringContaining('Blocked') }],
  ])('is told at %s in the words of the provider', async (path, body) => {
    world.enforce('rules: [{ id: no, effect: deny, models: ["*"] }]');
    expect(JSON.parse((await send(path)).body)).toMatchObject(body);
  });
});
