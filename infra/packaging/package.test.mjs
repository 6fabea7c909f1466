import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unitText } from '../../apps/edge-agent/src/setup/unit-text.ts';
import { findOnPath } from '../local/bootstrap/prerequisites.mjs';
import { buildDeb } from './deb.mjs';
import { buildAgentExecutable } from './executable.mjs';
import { agentExecutable } from './testing/agent-executable.mjs';
import { CleanRoot } from './testing/clean-root.mjs';
import { PrivateMounts } from './testing/private-mounts.mjs';
import { PrivateSystemd } from './testing/private-systemd.mjs';
import { until } from './testing/until.mjs';

const folder = mkdtempSync(join(tmpdir(), 'raypher-package-test-'));
/** @type {string} */
let executable;
const deb = join(folder, 'raypher.deb');
const noPackage =
  process.platform === 'linux'
    ? findOnPath('dpkg-deb') === undefined
      ? 'needs dpkg-deb'
      : undefined
    : 'needs Linux';
/** What takes half a minute takes minutes on a busy machine, milliseconds. */
const PATIENT = { timeout: 300_000 };
/** With a time in the past: what is built now must not show. */
const what = { version: '0.1.0', epoch: 1_700_000_000 };

beforeAll(async () => {
  if (process.platform === 'linux') executable = await agentExecutable();
  if (noPackage === undefined) await buildDeb({ ...what, executable, output: deb });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the executable', () => {
  it.skipIf(process.platform !== 'linux')(
    'needs no Node.js and lets no environment load code into it',
    () => {
      const { status, stdout, stderr } = spawnSync(executable, ['--version'], {
        env: { NODE_OPTIONS: '--require /does/not/exist' },
        encoding: 'utf8',
      });
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '0.1.0\n', stderr: '' });
    },
  );

  it('is the same bytes when it is built again, and so is the package', async ({ skip }) => {
    if (noPackage !== undefined) skip(noPackage);
    const again = { executable: join(folder, 'again'), deb: join(folder, 'again.deb') };
    await buildAgentExecutable(again.executable);
    // Not toEqual on the buffers: a difference would be printed, all of it.
    expect(readFileSync(again.executable).equals(readFileSync(executable))).toBe(true);
    await buildDeb({ ...what, executable: again.executable, output: again.deb });
    expect(readFileSync(again.deb).equals(readFileSync(deb))).toBe(true);
  });
});

describe('the Debian package', PATIENT, () => {
  /** What dpkg itself writes on every machine; nothing else may be left. */
  const DPKG =
    /^\/(var\/log\/(dpkg\.log|alternatives\.log)|var\/lib\/dpkg\/(status(-old)?|lock(-frontend)?|triggers\/.*|info\/format)|var\/cache\/(ldconfig|man)\/.*)? [fl]$/;

  it('installs into a clean root, serves there, and leaves nothing when it is purged', async ({ skip }) => {
    const reason = noPackage ?? PrivateMounts.unavailable();
    if (reason !== undefined) skip(reason);
    const root = await CleanRoot.enter();
    try {
      await root.copy(deb, '/tmp/raypher.deb');
      const installed = await root.run('dpkg', '-i', '/tmp/raypher.deb');
      expect(installed.status, installed.stderr).toBe(0);
      expect(await root.changes()).toContain('/usr/bin/raypher f');
      const verified = await root.run('systemd-analyze', 'verify', '/lib/systemd/system/raypher.service');
      expect(verified).toEqual({ status: 0, stdout: '', stderr: '' });
      expect((await root.run('raypher', 'scan')).stdout).toContain('processes');
      /** @type {{ checks: { name: string, state: string }[] }} */
      const doctor = JSON.parse((await root.run('raypher', 'doctor', '--json')).stdout);
      expect(
        doctor.checks.filter(({ name }) => name === 'configuration' || name === 'libtss2'),
      ).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);

      const install = () => root.run('raypher', 'install', '--no-start', '--json');
      const first = await install();
      expect(first.status, first.stderr).toBe(0);
      expect(steps(first.stdout)).toMatchObject({ data: 'done', enable: 'done', unit: 'unchanged' });
      expect(Object.values(steps((await install()).stdout))).toEqual(Array(6).fill('unchanged'));

      // The service with its store, in this root: what it writes must go as well.
      const served = await root.run(
        'sh',
        '-c',
        `timeout 100 raypher service --proxy-port 0 >/tmp/log 2>&1 &
         for _ in $(seq 100); do raypher status --json >/tmp/status 2>/dev/null && break; sleep 0.1; done
         kill %1; wait; cat /tmp/status`,
      );
      expect(JSON.parse(served.stdout).parts).toMatchObject([
        { name: 'proxy', state: 'running' },
        { name: 'gate', state: 'running' },
        { name: 'guard', state: 'running' },
        { name: 'watch', state: 'running' },
        { name: 'control socket', state: 'running' },
      ]);

      const purged = await root.run('dpkg', '--purge', 'raypher');
      expect(purged.status, purged.stderr).toBe(0);
      expect(purged.stderr).not.toContain('not empty');
      const left = (await root.changes()).filter((line) => !line.endsWith(' d') && !DPKG.test(line));
      expect(left).toEqual([]);
      expect((await root.changes()).filter((line) => line.includes('raypher'))).toEqual([]);
    } finally {
      await root.leave();
    }
  });
});

describe('the service under systemd', PATIENT, () => {
  it('is ready when it says so, and comes back when it is killed or hangs', async ({ skip }) => {
    const reason = PrivateSystemd.unavailable();
    if (reason !== undefined) skip(reason);
    const units = join(folder, 'config', 'systemd', 'user');
    const dataDir = join(folder, 'data');
    mkdirSync(units, { recursive: true });
    mkdirSync(dataDir, { mode: 0o700 });
    // The whole unit with all its hardening; only the watchdog is less patient.
    const unit = unitText([executable, 'service', '--proxy-port', '0'], dataDir);
    expect(unit).toContain('WatchdogSec=30');
    writeFileSync(join(units, 'raypher.service'), unit.replace('WatchdogSec=30', 'WatchdogSec=12'));
    const systemd = await PrivateSystemd.start(join(folder, 'config'));
    /** @param {string} before */
    const anotherProcess = (before) =>
      until(async () => {
        const now = await systemd.property('raypher', 'MainPID');
        return (
          now !== before && now !== '0' && (await systemd.property('raypher', 'ActiveState')) === 'active'
        );
      });
    try {
      const started = performance.now();
      expect(await systemd.tell('start', 'raypher')).toEqual({ status: 0, stdout: '', stderr: '' });
      const startTook = performance.now() - started;
      expect(await systemd.property('raypher', 'StatusText')).toBe('every part runs');
      const { stdout } = spawnSync(executable, ['status', '--json', '--data-dir', dataDir], {
        encoding: 'utf8',
      });
      /** @type {{ capability: string, state: string, reason: string }[]} */
      const posture = JSON.parse(stdout).posture;
      expect(posture.find(({ capability }) => capability === 'freeze.cgroup')).toMatchObject({
        state: 'enforced',
      });
      expect((await systemd.tell('reload', 'raypher')).status).toBe(0);

      // With the same hardening: what the agent needs of the system is not taken from it.
      const report = join(dataDir, 'doctor.json');
      const hardened = unitText([executable, 'doctor', '--json'], dataDir)
        .replace('Type=notify', `Type=oneshot\nSuccessExitStatus=1\nStandardOutput=truncate:${report}`)
        .replace('Restart=always', 'Restart=no')
        .replace('WatchdogSec=30', '');
      writeFileSync(join(units, 'raypher-doctor.service'), hardened);
      expect((await systemd.tell('daemon-reload')).status).toBe(0);
      expect(await systemd.tell('start', 'raypher-doctor')).toMatchObject({ status: 0, stderr: '' });
      /** @type {{ checks: { name: string, state: string }[] }} */
      const { checks } = JSON.parse(readFileSync(report, 'utf8'));
      for (const name of ['data folder', 'environment', 'control groups', 'sockets', 'libtss2', 'service']) {
        expect(checks.find((check) => check.name === name)).toMatchObject({ name, state: 'ok' });
      }

      // Two seconds, unless this machine is so busy that a mere start takes longer than one. It may hold one of them up.
      const soonMs = Math.max(2000, 2 * startTook);
      let backAfter = Number.POSITIVE_INFINITY;
      let kills = 0;
      while (kills < 3 && backAfter >= soonMs) {
        const first = await systemd.property('raypher', 'MainPID');
        const killed = performance.now();
        process.kill(Number(first), 'SIGKILL');
        kills += 1;
        await anotherProcess(first);
        backAfter = performance.now() - killed;
        console.log(
          `killed: back after ${Math.round(backAfter)} ms; a start takes ${Math.round(startTook)} ms`,
        );
      }
      expect(backAfter).toBeLessThan(soonMs);

      const second = await systemd.property('raypher', 'MainPID');
      process.kill(Number(second), 'SIGSTOP');
      await anotherProcess(second);
      expect(await systemd.property('raypher', 'NRestarts')).toBe(String(kills + 1));
      expect((await systemd.tell('stop', 'raypher')).status).toBe(0);
      expect(await systemd.property('raypher', 'Result')).toBe('success');
    } finally {
      await systemd.stop();
    }
  });
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
