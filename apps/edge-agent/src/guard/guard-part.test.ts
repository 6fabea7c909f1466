import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compilePolicy, parsePolicy } from '@raypher/policy';
import pino from 'pino';
import { expect, test } from 'vitest';
import { Inventory } from '../discovery/inventory.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { PermissionQueue } from '../native/fanotify.ts';
import { probeCgroups } from '../response/cgroup.ts';
import { acquireLock } from '../service/lock.ts';
import { FanotifyBackEnd } from './fanotify/fanotify-back-end.ts';
import { GuardPart } from './guard-part.ts';
import { kernelTraces } from './open-guard.ts';

const GROUPS = `raypher-guard-part-${process.pid}`;
const missing = ((): string | undefined => {
  if (process.getuid?.() !== 0) return 'needs root on Linux';
  const probe = probeCgroups(GROUPS);
  if (!probe.available) return probe.reason;
  probe.cgroups.removeFolder();
  try {
    using _queue = new PermissionQueue();
    return undefined;
  } catch (error) {
    return String(error);
  }
})();

test.skipIf(missing !== undefined)(
  `a command is held from its first instruction, and what refuses it is recorded with its rule (${missing ?? 'here'})`,
  async () => {
    const probe = probeCgroups(GROUPS);
    if (!probe.available) throw new Error(probe.reason);
    const { cgroups } = probe;
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'raypher-guard-part-')));
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'secret');
    const parsed = parsePolicy(
      `apiVersion: raypher/v1\nmode: enforce\noperational:\n  default: allow\n  rules: [{ id: no-secret, effect: deny, actions: [file.read], paths: ['${secret}'] }]\n`,
      { layer: 'global' },
    );
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
    const snapshot = compilePolicy({ revision: 3, layers: [parsed] });
    const recorded = Promise.withResolvers<EventDraft>();
    const part = new GuardPart({
      backEnds: [new FanotifyBackEnd(cgroups)],
      unavailable: undefined,
      isOff: false,
      traces: { note: () => {}, remove: () => {} },
      lockFile: join(folder, 'lock', 'guard'),
      acting: (agent) => ({ snapshot, acting: { agent, identity: 'software', at: Date.now() } }),
      inventory: new Inventory({ device: 'test' }),
      cgroups,
      record: recorded.resolve,
      log: pino({ level: 'silent' }),
      changed: () => {},
    });
    const stop = await part.start((error) => recorded.reject(error));
    const group = cgroups.create('run-test');
    try {
      const answer = await part.prepare(group.name);
      expect(answer.policy?.lists[0]?.rules).toMatchObject([{ id: 'no-secret' }]);
      // Only where BPF LSM holds files may `raypher run` leave them to it; without a group it never may.
      expect(answer.filesAreHeld).toBe(false);
      expect((await part.prepare(undefined)).filesAreHeld).toBe(false);
      const enter = 'echo $$ > "$1/cgroup.procs" && exec cat "$2"';
      const child = spawn('/bin/sh', ['-c', enter, 'sh', group.path, secret], { stdio: 'ignore' });
      expect((await once(child, 'exit'))[0]).not.toBe(0);
      expect(await recorded.promise).toMatchObject({
        type: 'guard.denied',
        action: 'read',
        target: secret,
        verdict: { outcome: 'DENY', layer: 'global', rule: 'no-secret', revision: 3 },
        data: { denied: true, group: 'run-test', count: 1 },
      });
    } finally {
      await stop();
      await group.waitEmpty(20_000);
      group.remove();
      cgroups.removeFolder();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000,
);

test('turned off, it takes out of the kernel what it left there, unless another agent works with it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-guard-part-'));
  const lockFile = join(folder, 'lock', 'guard');
  let removed = 0;
  const remove = (): void => {
    removed += 1;
  };
  const start = () =>
    new GuardPart({
      backEnds: [],
      unavailable: 'it is turned off',
      isOff: true,
      traces: { note: () => {}, remove },
      lockFile,
      acting: () => {
        throw new Error('nobody is held');
      },
      inventory: new Inventory({ device: 'test' }),
      cgroups: undefined,
      record: () => {},
      log: pino({ level: 'silent' }),
      changed: () => {},
    }).start(() => {});
  const stop = await start();
  expect(removed).toBe(1);
  await stop();
  const release = acquireLock(lockFile);
  await (await start())();
  expect(removed).toBe(1);
  release();
  rmSync(folder, { recursive: true, force: true });
});

test('what an agent put into the kernel it takes out once; one that put nothing there takes out nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-guard-part-'));
  const file = join(folder, 'in-kernel');
  let removed = 0;
  const traces = kernelTraces(file, () => {
    removed += 1;
  });
  traces.remove();
  expect(removed).toBe(0);
  traces.note();
  kernelTraces(file, () => {
    removed += 1;
  }).remove();
  traces.remove();
  expect(removed).toBe(1);
  rmSync(folder, { recursive: true, force: true });
});
