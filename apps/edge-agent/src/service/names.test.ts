import type { PolicyPayload } from '@raypher/shared';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { KNOWN_NAME, type PresidioServer, startPresidioServer } from '../testing/presidio-server.ts';
import { TestService } from '../testing/test-service.ts';

/** Real processes and a real service; the machine may be busy. */
vi.setConfig({ testTimeout: 60_000 });

let agent: TestService;
let presidio: PresidioServer;
beforeAll(async () => {
  presidio = await startPresidioServer();
  agent = await TestService.prepare();
  Object.assign(agent.config, {
    dlpRecogniser: 'presidio',
    dlpPresidioUrl: presidio.url,
    // As long as there can be: a busy machine may give nobody a turn for seconds.
    dlpPresidioTimeoutMs: 8_000,
    dlpBudgetMs: 10_000,
  });
  await agent.join();
});
afterAll(async () => {
  await agent.stop();
  await presidio.stop();
});

async function posture() {
  const { posture: all } = await agent.status();
  return all.find(({ capability }) => capability === 'dlp.recogniser');
}
function policy(revision: number, dlp: string): PolicyPayload {
  const source = `apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow }\n${dlp}\n`;
  return { ...agent.policy(revision, 'enforce', '[]'), documents: [{ layer: 'global', source }] };
}
const say = (content: string) =>
  fetch(`http://127.0.0.1:${agent.running?.proxyPort()}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer any' },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content }] }),
  });

test('the configured recogniser looks where the policy in force asks, and posture and status say so', async () => {
  await agent.plane.deploy(policy(1, 'dlp: { default: allow }'));
  await expect.poll(posture, { timeout: 20_000 }).toMatchObject({
    state: 'observing',
    reason: expect.stringContaining('no rule names'),
  });
  expect((await say(`Ask ${KNOWN_NAME} about it.`)).status).toBe(200);
  expect(presidio.analysed).toEqual([]);

  await agent.plane.deploy(
    policy(2, 'dlp: { default: allow, rules: [{ id: people, effect: redact, classes: [person] }] }'),
  );
  await expect.poll(posture, { timeout: 20_000 }).toMatchObject({ state: 'enforced' });
  expect((await say(`Ask ${KNOWN_NAME} about it.`)).status).toBe(200);
  expect(agent.upstream.requests.at(-1)?.body.toString()).toMatch(/Ask \[\[PERSON_[0-9A-F]{6}\]\] about it/);
  expect((await agent.status()).names).toEqual({ looked: 1, unrecognised: 0 });

  presidio.mood = 'broken';
  expect((await say(`Another text, for ${KNOWN_NAME} and Dr. Ada Dyke.`)).status).toBe(200);
  expect(agent.upstream.requests.at(-1)?.body.toString()).toMatch(/Hopper and Dr\. \[\[PERSON_/);
  await expect.poll(posture, { timeout: 20_000 }).toMatchObject({
    state: 'unavailable',
    reason: expect.stringMatching(/does not answer.*rules/),
  });

  presidio.mood = 'well';
  await say(`And one more for ${KNOWN_NAME}.`);
  await expect.poll(posture, { timeout: 20_000 }).toMatchObject({ state: 'enforced' });
});
