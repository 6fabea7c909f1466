import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestControlPlane } from '../../apps/edge-agent/src/testing/test-control-plane.ts';
import { agentExecutable } from './testing/agent-executable.mjs';
import { CleanRoot } from './testing/clean-root.mjs';
import { PrivateSystemd } from './testing/private-systemd.mjs';

const unavailable = PrivateSystemd.unavailable();
const folder = mkdtempSync(join(tmpdir(), 'raypher-setup-test-'));
/** @type {string} */
let executable;
/** @type {TestControlPlane} */
let plane;

beforeAll(async () => {
  if (unavailable !== undefined) return;
  plane = await TestControlPlane.start();
  executable = await agentExecutable();
});
afterAll(async () => {
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('one command enrols, installs and starts; another leaves no trace', async ({ skip }) => {
  if (unavailable !== undefined) skip(unavailable);
  const root = await CleanRoot.boot();
  try {
    // As it is downloaded: to a folder in which everybody may write.
    await root.copy(executable, '/tmp/raypher');
    writeFileSync(join(folder, 'token'), `${plane.token}\n`);
    await root.copy(join(folder, 'token'), '/tmp/token');
    const setup = [
      'setup',
      '--json',
      `--server=${plane.server.origin}`,
      '--token-file=/tmp/token',
      '--identity=software',
    ];

    const greeted = plane.hello();
    const first = await root.run('/tmp/raypher', ...setup);
    expect(first, first.stderr).toMatchObject({ status: 0, stderr: '' });
    expect(steps(first.stdout)).toEqual({
      enrol: 'done',
      data: 'unchanged',
      executable: 'done',
      unit: 'done',
      config: 'done',
      enable: 'done',
      start: 'done',
      trust: 'done',
    });
    await greeted;
    // Spent, and gone with it.
    expect((await root.run('ls', '/tmp/token')).status).not.toBe(0);
    expect(first.stdout).not.toContain(plane.token);

    const again = await root.run('raypher', ...setup);
    expect(again, again.stderr).toMatchObject({ status: 0, stderr: '' });
    expect(new Set(Object.values(steps(again.stdout)))).toEqual(new Set(['unchanged']));

    // What somebody broke, or a run did not come to, is made good.
    await root.run('rm', '/etc/systemd/system/raypher.service');
    const repaired = await root.run('raypher', ...setup);
    expect(steps(repaired.stdout)).toMatchObject({ enrol: 'unchanged', unit: 'done', start: 'done' });

    /** @type {{ checks: { name: string, state: string, evidence: string }[] }} */
    const { checks } = JSON.parse((await root.run('raypher', 'doctor', '--json')).stdout);
    const expected = [
      'data folder',
      'membership',
      'certificate',
      'TCP',
      'TLS and clock',
      'mutual TLS',
      'unit',
    ];
    for (const name of expected) {
      expect(checks.find((check) => check.name === name)).toMatchObject({ name, state: 'ok' });
    }

    const other = await root.run(
      'raypher',
      'setup',
      '--server=https://other.example.com',
      '--token-file=/tmp/none',
    );
    expect(other.status).toBe(5);

    const gone = await root.run('raypher', 'uninstall', '--json');
    expect(gone, gone.stderr).toMatchObject({ status: 0, stderr: '' });
    expect(steps(gone.stdout)).toMatchObject({ stop: 'done', leave: 'done', enable: 'done', remove: 'done' });
    expect(plane.requests.map(({ path }) => path)).toContain('/v1/leave');
    // Tools of the system rewrite their own files when they take a root over and forget it again.
    const written = /^\/(etc\/ssl\/certs|var\/lib\/dpkg|var\/log\/dpkg\.log)|\sd$/;
    expect((await root.changes()).filter((line) => !written.test(line))).toEqual([]);
    expect((await root.run('find', '-L', '/etc/ssl/certs', '-type', 'l')).stdout).not.toContain('raypher');
    expect((await root.run('sh', '-c', 'ls -l /etc/ssl/certs')).stdout).not.toContain('raypher');
    expect((await root.changes()).filter((line) => line.includes('raypher'))).toEqual([]);
  } finally {
    await root.leave();
  }
});

/**
 * @param {string} output - of `--json`.
 * @returns {Record<string, string>} the state of each step.
 */
function steps(output) {
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return Object.fromEntries(lines.map(({ step, state }) => [step, state]));
}
