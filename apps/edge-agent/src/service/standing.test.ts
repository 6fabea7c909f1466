import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { loadEnrolment } from '../identity/enrolment.ts';
import { TestService } from '../testing/test-service.ts';

/** A real service; the machine may be busy. */
vi.setConfig({ testTimeout: 60_000 });

let agent: TestService;

beforeEach(async () => {
  agent = await TestService.prepare();
  agent.plane.retryAfterMs = 200;
});
afterEach(() => agent.stop());

async function suspicions() {
  return (await agent.logs()).filter(
    (entry) =>
      typeof entry === 'object' && entry !== null && 'type' in entry && entry.type === 'tamper.suspected',
  );
}

function linkCode() {
  return expect.poll(async () => (await agent.status()).link?.code);
}

test('a pause is recorded once, however often the device is refused, and over restarts', async () => {
  await agent.join();
  await agent.plane.deploy(
    agent.policy(1, 'enforce', "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'] }]"),
  );
  agent.plane.decide('paused');
  await linkCode().toBe('device/paused');
  await expect.poll(() => agent.plane.refused).toBeGreaterThan(3);
  await agent.restart();
  await linkCode().toBe('device/paused');
  expect(await suspicions()).toEqual([
    expect.objectContaining({
      severity: 'warning',
      data: expect.objectContaining({
        code: 'device/paused',
        detail: expect.stringContaining('administrator'),
      }),
    }),
  ]);
  expect((await agent.status()).membership).toMatchObject({ status: 'paused' });
  expect(await agent.chat('deepseek')).toBe(403);
  expect(await agent.chat('openai')).toBe(200);

  const greeted = agent.plane.hello();
  agent.plane.decide('active');
  await greeted;
  await linkCode().toBe('');
  expect((await agent.status()).membership).toMatchObject({ status: 'active' });
  expect(await suspicions()).toHaveLength(1);
  agent.plane.decide('revoked');
  await linkCode().toBe('device/revoked');
  // What is noted is recorded some milliseconds later.
  await expect.poll(suspicions).toHaveLength(2);
  expect(loadEnrolment(agent.paths.enrolment)).toMatchObject({ status: 'revoked' });
});

test('waiting for approval is no suspicion, and the status says what to wait for', async () => {
  agent.plane.admits = 'pending';
  await agent.enrol();
  await agent.start();
  await linkCode().toBe('device/pending');
  expect(await agent.status()).toMatchObject({
    membership: { status: 'pending', identityClass: 'software', key: 'software' },
    link: {
      state: expect.stringMatching(/waiting|connecting/),
      reason: expect.stringContaining('administrator'),
    },
  });
  expect(await suspicions()).toEqual([]);
});
