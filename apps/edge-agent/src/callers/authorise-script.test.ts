import { symlinkSync, utimesSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PYTHON } from '../testing/python.ts';
import { NODE, NODE_BOT, PYTHON_BOT, uid, visits } from './visits.test-support.ts';

const on = visits();

describe('a script under an allowed interpreter', () => {
  it.each([
    ['another script', ['EVIL']],
    ['-r', ['-r', 'PRELOAD', 'BOT']],
    ['--require=', ['--require=PRELOAD', 'BOT']],
    ['--import', ['--import', 'PRELOAD', 'BOT']],
    ['-e with the script’s name behind it', ['-e', NODE_BOT, 'BOT']],
    ['--inspect', ['--inspect=127.0.0.1:0', 'BOT']],
  ])('of node is refused with %s', async (_, parameters) => {
    await on.allowNode();
    const places: Record<string, string> = {
      EVIL: on.file('evil.js'),
      PRELOAD: on.file('preload.js'),
      BOT: on.file('bot.js'),
    };
    const real = parameters.map((word) => word.replace(/EVIL|PRELOAD|BOT$/, (name) => places[name] ?? name));
    const { caller } = await on.visit(NODE, real);
    expect(await on.authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringMatching(/can run other code|it runs .*evil\.js/),
    });
  });

  it.each([
    ['-c', ['-c', PYTHON_BOT], {}],
    ['-m', ['-m', 'module_bot'], {}],
    ['-i', ['-i', 'BOT'], {}],
    ['-X', ['-X', 'importtime', 'BOT'], {}],
    ['PYTHONPATH', ['BOT'], { PYTHONPATH: '/tmp' }],
    ['PYTHONSTARTUP', ['BOT'], { PYTHONSTARTUP: '/dev/null' }],
    ['PYTHONINSPECT', ['BOT'], { PYTHONINSPECT: '1' }],
  ])('of Python is refused with %s', async (_, parameters, env) => {
    await on.allowPython();
    const real = parameters.map((word) => (word === 'BOT' ? on.file('bot.py') : word));
    const { caller } = await on.visit(PYTHON, real, { env });
    expect(await on.authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringMatching(/can (run|load) other code/),
    });
  });

  it('of Python is refused when the interpreter was started from another folder’s libraries', async () => {
    await on.allowPython();
    on.stage.write('venv/pyvenv.cfg', 'home = /usr/bin\n');
    on.stage.write('venv/bin/.keep', '');
    symlinkSync(PYTHON, on.file('venv/bin/python'));
    const { caller } = await on.visit(on.file('venv/bin/python'), [on.file('bot.py')]);
    expect(await on.authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('libraries'),
    });
  });

  it('is allowed by a relative path and through a link, which lead to the same file', async () => {
    await on.allowPython();
    symlinkSync(on.file('bot.py'), on.file('link.py'));
    const relative = await on.visit(PYTHON, ['-u', 'bot.py']);
    expect(await on.authorise(relative.caller)).toMatchObject({ allowed: true });
    const linked = await on.visit(PYTHON, ['link.py']);
    expect(await on.authorise(linked.caller)).toMatchObject({ allowed: true });
  });

  it('is refused when it was changed, and when it was touched after the start', async () => {
    on.stage.write('mine.js', NODE_BOT);
    await on.allowance.allow({ path: NODE, script: on.file('mine.js'), uid, by: 'test' });
    await on.settle();
    const { caller } = await on.visit(NODE, [on.file('mine.js')]);
    expect(await on.authorise(caller)).toMatchObject({ allowed: true });

    on.stage.write('mine.js', `${NODE_BOT}\n// changed`);
    expect(await on.authorise(caller)).toMatchObject({ allowed: false });

    // Back to what was allowed, with its old time of modification: what the process read may have been another text.
    on.stage.write('mine.js', NODE_BOT);
    utimesSync(on.file('mine.js'), 0, 0);
    expect(await on.authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('restart it'),
    });
  });
});
