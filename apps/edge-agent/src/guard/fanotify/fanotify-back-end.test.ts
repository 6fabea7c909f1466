import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PermissionQueue } from '../../native/fanotify.ts';
import { type Cgroup, type Cgroups, probeCgroups } from '../../response/cgroup.ts';
import type { GuardDenial } from '../guard-policy.ts';
import { policyOf } from '../testing/policy-of.ts';
import { FanotifyBackEnd } from './fanotify-back-end.ts';

/** A folder of control groups of its own: no other agent on this machine has a say about it. */
const GROUPS = `raypher-fanotify-${process.pid}`;
const available = probeCgroups(GROUPS);
const missing = ((): string | undefined => {
  if (!available.available) return available.reason;
  try {
    using _queue = new PermissionQueue();
    return undefined;
  } catch (error) {
    return String(error);
  }
})();

describe.skipIf(missing !== undefined)(
  `AI agents that nobody launched, under fanotify (${missing ?? 'here'})`,
  () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'raypher-fanotify-')));
    const at = (name: string): string => join(root, name);
    const denials: GuardDenial[] = [];
    let heard: (() => void) | undefined;
    let cgroups: Cgroups;
    let group: Cgroup;
    let backEnd: FanotifyBackEnd;

    beforeAll(async () => {
      if (!available.available) throw new Error(available.reason);
      cgroups = available.cgroups;
      group = cgroups.create(`adopted-${randomUUID()}`);
      backEnd = new FanotifyBackEnd(cgroups);
      await backEnd.start({
        denied: (denial) => {
          denials.push(denial);
          heard?.();
        },
        lost: () => {},
      });
      mkdirSync(at('keys/deep'), { recursive: true });
      mkdirSync(at('work'));
      writeFileSync(at('keys/deep/id'), 'private');
      writeFileSync(at('keys/moving'), 'private');
      linkSync(at('keys/deep/id'), at('work/other-name'));
      writeFileSync(at('data'), 'rows');
      copyFileSync('/bin/true', at('work/tool'));
    });

    afterEach(() => {
      denials.length = 0;
    });

    afterAll(async () => {
      await backEnd.remove();
      await group.waitEmpty(20_000);
      group.remove();
      cgroups.removeFolder();
      rmSync(root, { recursive: true, force: true });
    });

    /** Which of the attempts succeed, made by a process of the AI agent's group. */
    async function attempt(
      attempts: Readonly<Record<string, string>>,
      where: Cgroup | null = group,
    ): Promise<string[]> {
      const lines = Object.entries(attempts).map(
        ([name, line]) => `(${line}) >/dev/null 2>&1 && echo ${name}`,
      );
      const enter = where === null ? '' : `echo $$ > ${where.path}/cgroup.procs\n`;
      const child = spawn('/bin/sh', ['-c', `${enter}${lines.join('\n')}\ntrue`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      return output.split('\n').filter((line) => line !== '');
    }

    /** Denials come through another process. */
    async function denial(found: (one: GuardDenial) => boolean): Promise<GuardDenial> {
      for (;;) {
        const one = denials.find(found);
        if (one !== undefined) return one;
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    }

    test('what may not be read is not, under any name that was there, and everybody else reads it', async () => {
      await backEnd.apply(
        group.name,
        policyOf([{ id: 'keys', operations: ['read', 'write'], paths: [at('keys/**')] }]),
      );
      const attempts = {
        elsewhere: `cat ${at('data')}`,
        read: `cat ${at('keys/deep/id')}`,
        append: `echo >> ${at('keys/deep/id')}`,
        'other-name': `cat ${at('work/other-name')}`,
        'through-proc': `cat /proc/self/root${at('keys/deep/id')}`,
        'a-new-file': `echo x > ${at('keys/new')}; cat ${at('keys/new')}`,
        child: `setsid sh -c "cat ${at('keys/deep/id')}"`,
      };
      expect(await attempt(attempts)).toEqual(['elsewhere']);
      renameSync(at('keys/moving'), at('work/moved'));
      expect(await attempt({ 'moved-away': `cat ${at('work/moved')}` })).toEqual([]);
      expect(await attempt({ read: attempts.read, 'other-name': attempts['other-name'] }, null)).toEqual([
        'read',
        'other-name',
      ]);
      expect(readFileSync(at('keys/deep/id'), 'utf8')).toBe('private');
      expect(await denial(({ target }) => target === at('keys/deep/id'))).toMatchObject({
        backEnd: 'fanotify',
        blocked: true,
        operation: 'read',
        processName: 'cat',
        group: group.name,
        rule: { layer: 'global', id: 'keys' },
      });
    }, 60_000);

    test('what may be read but not written is told apart by the flags of the open', async () => {
      await backEnd.apply(group.name, policyOf([{ operations: ['write', 'delete'], paths: [at('data')] }]));
      const succeeded = await attempt({
        read: `cat ${at('data')}`,
        overwrite: `echo > ${at('data')}`,
        append: `echo >> ${at('data')}`,
        python: `python3 -c "open('${at('data')}', 'r+').write('x')"`,
      });
      expect(succeeded).toEqual(['read']);
      expect(readFileSync(at('data'), 'utf8')).toBe('rows');
    }, 60_000);

    test('removing is not held, and that is said', async () => {
      writeFileSync(at('gone'), '');
      const unexpressed = await backEnd.apply(
        group.name,
        policyOf([{ id: 'keep', operations: ['delete'], paths: [at('gone')] }]),
      );
      expect(unexpressed).toEqual([
        {
          layer: 'global',
          rule: 'keep',
          because: 'removing and renaming: fanotify asks about opening and executing alone',
        },
      ]);
      expect(await attempt({ removed: `rm ${at('gone')}` })).toEqual(['removed']);
      expect(existsSync(at('gone'))).toBe(false);
    }, 60_000);

    test('a denied program is not executed, by whatever starts it (K5)', async () => {
      await backEnd.apply(group.name, policyOf([{ id: 'shells', programs: ['bash'] }]));
      const succeeded = await attempt({
        others: at('work/tool'),
        run: '/bin/bash -c true',
        'by-name': 'bash -c true',
        piped: 'echo true | bash',
        'through-env': 'env bash -c true',
        'through-the-loader': '/lib64/ld-linux-x86-64.so.2 /bin/bash -c true',
        copied: `cp /bin/bash ${at('work/b')} && ${at('work/b')} -c true`,
      });
      expect(succeeded).toEqual(['others']);
      expect(await attempt({ outside: 'bash -c true' }, null)).toEqual(['outside']);
      expect(await denial(({ operation }) => operation === 'execute')).toMatchObject({
        rule: { id: 'shells' },
      });
    }, 60_000);

    test('in monitor mode it goes on and is recorded', async () => {
      await backEnd.apply(group.name, policyOf([{ paths: [at('data')] }], { mode: 'monitor' }));
      expect(await attempt({ read: `cat ${at('data')}` })).toEqual(['read']);
      expect(await denial(({ target }) => target === at('data'))).toMatchObject({
        blocked: false,
        operation: 'read',
      });
    }, 60_000);

    test('a group that was forgotten is free', async () => {
      await backEnd.apply(group.name, policyOf([{ paths: [at('data')] }]));
      backEnd.forget(group.name);
      await backEnd.apply('adopted-another', policyOf([]));
      expect(await attempt({ read: `cat ${at('data')}` })).toEqual(['read']);
    }, 60_000);

    test('its canaries are refused what they try, and it claims no more than it holds', async () => {
      expect(await backEnd.probe('kernel.programs')).toMatchObject({ state: 'enforced' });
      expect(await backEnd.probe('kernel.files')).toMatchObject({
        state: 'observing',
        reason: expect.stringContaining('removing and renaming are not held'),
      });
    }, 60_000);

    test('when the agent ends, whoever waits goes on: it is not fail-closed', async () => {
      await backEnd.apply(group.name, policyOf([{ paths: [at('data')] }]));
      expect(await attempt({ read: `cat ${at('data')}` })).toEqual([]);
      await backEnd.stop();
      expect(await attempt({ read: `cat ${at('data')}` })).toEqual(['read']);
      expect(await backEnd.probe('kernel.files')).toMatchObject({ state: 'unavailable' });
    }, 60_000);
  },
);
