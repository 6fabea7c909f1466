import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { STARTER_POLICY } from '@raypher/policy';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { TestProxy } from '../testing/test-proxy.ts';

/** Prose, code, lock files and logs of public projects: `packages/dlp/testdata/README.md`. */
const FILE = new URL('../../../../packages/dlp/testdata/benign.jsonl.gz', import.meta.url);
const Line = z.object({ id: z.string(), text: z.string() });
const BENIGN = gunzipSync(readFileSync(FILE))
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => Line.parse(JSON.parse(line)));
const DATA_SECTION = STARTER_POLICY.slice(STARTER_POLICY.indexOf('\ndlp:'));
// Put together here, so that no scanner of source code takes them for real.
const TOKEN = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');
const CARD = ['4111', '1111', '1111', '1111'].join(' ');

let world: TestProxy;
beforeAll(async () => {
  world = await TestProxy.start();
});
afterEach(() => world.reset());
afterAll(() => world.stop());

/** As a coding assistant sends it: what it read, and what a tool answered. */
function turn(text: string): string {
  return JSON.stringify({
    model: 'gpt-4o',
    messages: [
      { role: 'user', content: `What does this say?\n${text}` },
      {
        role: 'assistant',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'read', arguments: '{"path":"a"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: text },
    ],
  });
}
const post = (body: string): Promise<Response> =>
  fetch(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k' },
    body,
  });
const found = () => world.events.filter(({ type }) => type === 'dlp.found');

describe('the starter policy in enforce mode', () => {
  test('stops and changes nothing of what coding assistants ordinarily send', async () => {
    world.govern(DATA_SECTION);
    expect(BENIGN.length).toBeGreaterThan(150);
    const touched: string[] = [];
    for (const { id, text } of BENIGN) {
      const answer = await post(turn(text));
      await answer.arrayBuffer();
      const sent = world.upstream.requests.at(-1)?.body.toString('utf8');
      if (answer.status !== 200 || sent !== turn(text)) touched.push(id);
    }
    expect(touched).toEqual([]);
  });

  test('takes keys and cards out of a question, and puts them back into its answer', async () => {
    world.govern(DATA_SECTION);
    const answer = await (await post(turn(`use ${TOKEN} and ${CARD}`))).text();
    const sent = world.upstream.requests.at(-1)?.body.toString('utf8') ?? '';
    expect(sent).not.toContain(TOKEN);
    expect(sent).not.toContain(CARD);
    expect(sent).toMatch(/use \[\[CREDENTIAL_[0-9A-F]{6}\]\] and \[\[/);
    expect(answer).not.toContain('[[CREDENTIAL');
    expect(found()).toMatchObject([{ data: { outcome: 'redact', direction: 'out' } }]);
  });
});

test('the starter policy as it is changes nothing, and records what it would have done', async () => {
  world.govern(DATA_SECTION, 'monitor');
  const body = turn(`use ${TOKEN} and ${CARD}, says ada.dyke@quill.dev`);
  expect((await post(body)).status).toBe(200);
  expect(world.upstream.requests.at(-1)?.body.toString('utf8')).toBe(body);
  expect(found()).toMatchObject([
    {
      verdict: { mode: 'monitor', outcome: 'ALLOW' },
      data: { outcome: 'allow', detectors: ['github-pat', 'payment-card', 'email'], redacted: 0 },
    },
  ]);
});
