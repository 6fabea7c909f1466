import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { CommandPayload } from '@raypher/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MAIN, TEST_ENVIRONMENT } from '../testing/command-line.ts';
import { TestService } from '../testing/test-service.ts';

const RULE =
  '[{ id: ask-first, effect: prompt, destinations: [api.openai.com], reason: Ask first., timeout_seconds: 60 }]';

let agent: TestService;
beforeEach(async () => {
  agent = await TestService.prepare();
  await agent.join();
  await agent.plane.deploy(agent.policy(1, 'enforce', RULE));
});
afterEach(() => agent.stop());

/** What the command line prints, and its exit code. */
function cli(
  ...args: string[]
): Promise<{ code: number | string | null | undefined; out: string; err: string }> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof cli>>>();
  execFile(
    process.execPath,
    [MAIN, 'approvals', ...args, '--data-dir', agent.config.dataDir],
    { env: { ...process.env, ...TEST_ENVIRONMENT } },
    (error, out, err) => resolve({ code: error === null ? 0 : error.code, out, err }),
  );
  return promise;
}

async function waiting(): Promise<string> {
  const entry = await agent.plane.entry('approval.requested');
  return String(entry.data.approval);
}

function decision(approval: string, given: CommandPayload['arguments']): CommandPayload {
  return {
    kind: 'command',
    id: randomUUID(),
    organisation: agent.plane.organisation,
    device: agent.plane.device,
    verb: 'decide-approval',
    arguments: { approval, scope: 'once', by: 'ada@example.test', ...given },
    reason: 'Looked at it.',
    issuedAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + 60_000).toISOString(),
  };
}

test('a call waits, a signed answer lets it go on, and the same answer again comes too late', async () => {
  const call = agent.chat('openai');
  const approval = await waiting();
  expect(agent.upstream.requests).toHaveLength(0);
  const result = await agent.plane.order(decision(approval, { outcome: 'allow' }));
  expect(result).toMatchObject({ ok: true });
  expect(await call).toBe(200);
  expect((await agent.plane.entry('approval.decided')).data).toMatchObject({
    approval,
    how: 'person',
    outcome: 'ALLOW',
    by: 'ada@example.test',
    reason: 'Looked at it.',
  });
  const late = await agent.plane.order(decision(approval, { outcome: 'deny' }));
  expect(late).toMatchObject({ ok: false, code: 'approval/decided' });
  const strange = await agent.plane.order(decision(randomUUID(), { outcome: 'allow' }));
  expect(strange).toMatchObject({ ok: false, code: 'approval/unknown' });
}, 30_000);

test('at a device of an organisation the command line shows, denies, and cannot allow', async () => {
  const call = agent.chat('openai');
  const approval = await waiting();
  const shown = await cli('list');
  expect(shown.out).toContain(approval.slice(0, 8));
  expect(shown.out).toContain('ask-first (global)');
  const allowed = await cli('allow', approval.slice(0, 8));
  expect(allowed).toMatchObject({ code: 3, err: expect.stringContaining('its people allow') });
  const denied = await cli('deny', approval.slice(0, 8), '--for', '30', '--reason', 'Not today.');
  expect(denied).toMatchObject({ code: 0, out: 'Denied for 30 minutes.\n' });
  expect(await call).toBe(403);
  // It holds for the process, without another question.
  expect(await agent.chat('openai')).toBe(403);
  expect(await agent.ask({ verb: 'approvals' })).toEqual([]);
  expect(await cli('deny', approval)).toMatchObject({
    code: 5,
    err: expect.stringContaining('was denied by'),
  });
}, 60_000);

test('stopping the service ends what waits, and says so in the record', async () => {
  const call = agent.chat('openai');
  const approval = await waiting();
  await agent.running?.stop();
  agent.running = undefined;
  expect([0, 403]).toContain(await call);
  await agent.start();
  const ends = async () =>
    (await agent.logs())
      .map((entry) => JSON.stringify(entry))
      .filter((entry) => entry.includes('approval.decided') && entry.includes(`"approval":"${approval}"`));
  await expect.poll(ends).toEqual([expect.stringContaining('withdrawn')]);
}, 30_000);
