import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TestService } from '../../testing/test-service.ts';
import { buildProgram } from '../program.ts';

/** A real service; the machine may be busy. */
vi.setConfig({ testTimeout: 60_000 });

let agent: TestService;
beforeEach(async () => {
  agent = await TestService.prepare();
});
afterEach(() => agent.stop());

async function run(...args: string[]): Promise<string> {
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  try {
    const all = ['policy', ...args, '--data-dir', agent.config.dataDir];
    await (await buildProgram(all)).parseAsync(all, { from: 'user' });
    return stdout;
  } finally {
    write.mockRestore();
  }
}

test('the policy in force is shown, explains what was recorded, and is compared with another', async () => {
  await agent.join();
  const exceptions = `exceptions:
  - { id: research-may, rules: [no-deepseek], agents: { teams: [research] }, owner: ann, reason: Trial., expires: 2999-01-01T00:00:00Z }
  - { id: over, rules: [no-deepseek], agents: { teams: [red] }, owner: ann, reason: Trial., expires: 2020-01-01T00:00:00Z }
`;
  const rules =
    "[{ id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'], reason: Not approved. }]";
  const payload = agent.policy(7, 'enforce', rules);
  const documents = payload.documents.map((one) => ({ ...one, source: `${one.source}${exceptions}` }));
  await agent.plane.deploy({ ...payload, documents });
  expect(await agent.chat('deepseek')).toBe(403);
  const recorded = await agent.plane.entry('network.request');

  const shown = await run('show');
  expect(shown).toMatch(/^Policy {2}revision 7\nmode {4}enforce\ndigest {2}[0-9a-f]{64}\n/);
  expect(shown).toMatch(/^global {2}enforce {2}network \(1 rule, default allow\)$/m);
  expect(shown).toMatch(/^research-may {2}no-deepseek {2}global {2}ann {4}2999-01-01T00:00:00Z {9}Trial\.$/m);
  expect(shown).toMatch(/^over .*2020-01-01T00:00:00Z \(over\)/m);
  expect(JSON.parse(await run('show', '--json'))).toMatchObject({
    revision: 7,
    documents: [{ layer: 'global', document: { exceptions: [{ id: 'research-may' }, { id: 'over' }] } }],
  });

  const explained = await run('explain', '--event', String(recorded.seq));
  expect(explained).toMatch(/^Denied by rule no-deepseek of the global layer: Not approved\.\n/);
  expect(explained).toContain('exception research-may says ALLOW, but agents.teams is ');
  expect(await run('explain', '--host', 'x.example')).toMatch(/^Allowed by rule network\/default/);
  await expect(run('explain', '--event', '1')).rejects.toMatchObject({
    message: expect.stringContaining('is not about a request'),
  });
  await expect(run('explain', '--event', '99999')).rejects.toMatchObject({ code: 'request/not-found' });

  const open = join(agent.config.dataDir, 'open.yaml');
  writeFileSync(open, 'apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow }\n');
  const compared = await run('diff', open);
  expect(compared).toContain('global: Rule no-deepseek removed: deny');
  expect(compared).toMatch(/Replayed 1 request from \d+ entries: 1 would be decided differently\./);
  expect(compared).toContain('1 request milder: DENY by no-deepseek → ALLOW by network/default');
});

test('before enrolment, and enrolled without a policy, that is what is shown', async () => {
  await agent.start();
  expect(await run('show')).toMatch(
    /none from a control plane[\s\S]*^local {2}monitor {2}network \(0 rules, default allow\)$/m,
  );
});
