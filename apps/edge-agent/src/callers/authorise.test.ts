import { appendFileSync, copyFileSync, renameSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withoutRoot } from '../response/spawned.test-support.ts';
import { AllowList } from '../store/allow-list.ts';
import { openDatabase } from '../store/database.ts';
import { PYTHON } from '../testing/python.ts';
import { NOBODY, NODE, uid, visits } from './visits.test-support.ts';

const on = visits();

describe('a program', () => {
  it('is refused until it is allowed, and again once that is taken back', async () => {
    const { caller } = await on.visit(NODE, [on.file('bot.js')]);
    expect(await on.authorise(caller)).toMatchObject({
      allowed: false,
      code: 'caller/not-allowed',
      hint: expect.stringContaining('raypher allow'),
    });
    await on.allowNode();
    expect(await on.authorise(caller)).toMatchObject({ allowed: true });
    on.allowance.disallow(on.file('bot.js'), 'test');
    expect(await on.authorise(caller)).toMatchObject({ allowed: false });
    expect(on.recorded.map(({ type }) => type)).toEqual(['caller.allowed', 'caller.disallowed']);
  });

  it('is refused when one byte of it differs, even at the place of the one that was allowed', async () => {
    await on.allowance.allow({ path: on.bot, script: undefined, uid, by: 'test' });
    const first = await on.visit(on.bot, [on.file('bot.js')]);
    expect(await on.authorise(first.caller)).toMatchObject({ allowed: true });

    const changed = on.file('changed');
    copyFileSync(NODE, changed);
    appendFileSync(changed, '\n');
    const elsewhere = await on.visit(changed, [on.file('bot.js')]);
    expect(await on.authorise(elsewhere.caller)).toMatchObject({ allowed: false });

    renameSync(changed, on.bot);
    const replaced = await on.visit(on.bot, [on.file('bot.js')]);
    expect(await on.authorise(replaced.caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('not what was allowed'),
    });
    // The first one still executes the bytes that were allowed, whatever is at their place now.
    expect(await on.authorise(first.caller)).toMatchObject({ allowed: true });
  });

  it('is refused as a copy with the same bytes: what lies beside it is not the same', async () => {
    await on.allowNode();
    const copy = on.file('node');
    copyFileSync(NODE, copy);
    const { caller } = await on.visit(copy, [on.file('bot.js')]);
    expect(await on.authorise(caller)).toMatchObject({ allowed: false });
    rmSync(copy);
  });

  it.skipIf(withoutRoot !== undefined)(
    `is refused for another user, unless any user was allowed (${withoutRoot ?? 'as root'})`,
    async () => {
      await on.allowPython();
      const { caller } = await on.visit(PYTHON, [on.file('bot.py')], { uid: NOBODY, gid: NOBODY });
      expect(await on.authorise(caller)).toMatchObject({
        allowed: false,
        reason: expect.stringContaining('user 65534'),
      });
      await on.allowance.allow({ path: PYTHON, script: on.file('bot.py'), uid: undefined, by: 'test' });
      expect(await on.authorise(caller)).toMatchObject({ allowed: true });
    },
  );

  it.each([
    ['LD_PRELOAD', { LD_PRELOAD: '/nonexistent/evil.so' }],
    ['LD_LIBRARY_PATH', { LD_LIBRARY_PATH: '/tmp' }],
    ['LD_AUDIT', { LD_AUDIT: '/nonexistent/evil.so' }],
    ['OPENSSL_CONF', { OPENSSL_CONF: '/dev/null' }],
    ['NODE_OPTIONS', { NODE_OPTIONS: '--max-old-space-size=512 --trace-exit' }],
    ['NODE_PATH', { NODE_PATH: '/tmp' }],
  ])('is refused with %s in its environment', async (name, env) => {
    await on.allowNode();
    const { caller } = await on.visit(NODE, [on.file('bot.js')], { env });
    expect(await on.authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining(name),
    });
  });

  it('may have more memory, and variables that are empty', async () => {
    await on.allowNode();
    const env = { NODE_OPTIONS: '--max-old-space-size=512', LD_LIBRARY_PATH: '', NODE_ENV: 'production' };
    const { caller } = await on.visit(NODE, ['--enable-source-maps', on.file('bot.js')], { env });
    expect(await on.authorise(caller)).toMatchObject({ allowed: true });
  });
});

describe('allowing', () => {
  it('refuses a bare interpreter and says why', async () => {
    await expect(
      on.allowance.allow({ path: NODE, script: undefined, uid, by: 'test' }),
    ).rejects.toMatchObject({
      code: 'request/invalid',
      message: expect.stringContaining('any node program'),
      hint: expect.stringContaining('--script'),
    });
  });

  it.each(['/usr/bin/env', '/usr/bin/find'])(
    'refuses %s, which runs whatever it is told to',
    async (path) => {
      const asked = on.allowance.allow({ path, script: undefined, uid, by: 'test' });
      await expect(asked).rejects.toMatchObject({
        message: expect.stringContaining('whatever it is told to'),
      });
    },
  );

  it('keeps the list over a restart, and allows the same only once', async () => {
    await on.allowNode();
    await on.allowNode();
    expect(on.list.list()).toHaveLength(1);
    const { db } = openDatabase(on.database);
    expect(new AllowList(db).list()).toEqual(on.list.list());
    db.close();
  });
});
