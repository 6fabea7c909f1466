import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { AuthoriseCaller, Caller } from '../proxy/caller.ts';
import { Stage, type Started, until, withoutRoot } from '../response/spawned.test-support.ts';
import { AllowList } from '../store/allow-list.ts';
import { openDatabase } from '../store/database.ts';
import { Allowance } from './allowance.ts';
import { authoriseFrom } from './authorise.ts';
import { CallerFinder } from './caller-finder.ts';
import { SocketHolders } from './holders.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const NODE = process.execPath;
const PYTHON = '/usr/bin/python3';
const NOBODY = 65_534;
const uid = process.getuid?.() ?? 0;

/** Connects to the port it is given and stays. */
const NODE_BOT = `const s = require('net').connect(Number(process.argv.at(-1)), '127.0.0.1', () => console.log('ready'));
s.on('error', () => {});`;
/** Does what the server tells it to: execute something else, pass its socket on. */
const PYTHON_BOT = `import os, socket, subprocess, sys, time
s = socket.create_connection(('127.0.0.1', int(sys.argv[-1])))
print('ready', flush=True)
order = s.recv(100).decode()
s.set_inheritable(True)
if order == 'exec':
    os.execv(sys.executable, ['python3', os.path.join(os.path.dirname(__file__), 'stay.py'), str(s.fileno())])
if order == 'pass':
    subprocess.Popen(['sleep', '600'], close_fds=False)
    print('passed', flush=True)
time.sleep(600)
`;
/** Holds a connection that an allowed program, which knows nothing of it, inherits. */
const PYTHON_PARENT = `import os, socket, subprocess, sys, time
s = socket.create_connection(('127.0.0.1', int(sys.argv[-1])))
s.set_inheritable(True)
child = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), 'stay.py')], close_fds=False, stdout=subprocess.PIPE)
child.stdout.readline()
print('ready', flush=True)
time.sleep(600)
`;
const PYTHON_STAY = `import time
print('staying', flush=True)
time.sleep(600)
`;

let stage: Stage;
let list: AllowList;
let allowance: Allowance;
let authorise: AuthoriseCaller;
let bot = '';
const recorded: EventDraft[] = [];
const finder = new CallerFinder();
const server = createServer();
const accepted: Socket[] = [];
let port = 0;

beforeAll(async () => {
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    accepted.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The address of a listening TCP server is an AddressInfo.
  port = (server.address() as AddressInfo).port;
  stage = new Stage();
  chmodSync(stage.directory, 0o755);
  list = new AllowList(openDatabase(join(stage.directory, 'agent', 'agent.db')).db);
  allowance = new Allowance(list, (event) => recorded.push(event));
  authorise = authoriseFrom({ programs: () => list.list(), holders: new SocketHolders(0) });
  for (const [name, text] of Object.entries({
    'bot.js': NODE_BOT,
    'evil.js': `${NODE_BOT} // and more`,
    'preload.js': '',
    'bot.py': PYTHON_BOT,
    'parent.py': PYTHON_PARENT,
    'stay.py': PYTHON_STAY,
    'module_bot.py': PYTHON_BOT,
  })) {
    stage.write(name, text);
  }
  bot = join(stage.directory, 'bot');
  copyFileSync(NODE, bot);
  const writtenAt = Date.now();
  await until('the files are older than what is started', () => Date.now() > writtenAt + 100);
});
afterAll(async () => {
  for (const socket of accepted) socket.destroy();
  server.close();
  finder.close();
  await stage.end();
});
beforeEach(() => {
  for (const { id } of list.list()) list.remove(id);
  recorded.length = 0;
});

interface Visitor {
  process: Started;
  caller: Caller;
  socket: Socket;
}

function file(name: string): string {
  return join(stage.directory, name);
}

/** Starts a program that connects, and finds it as the proxy would. */
async function visit(
  command: string,
  parameters: readonly string[],
  options: Parameters<Stage['start']>[2] = {},
): Promise<Visitor> {
  const arrived = once(server, 'connection');
  const process = await stage.start(command, [...parameters, String(port)], options);
  const [socket]: Socket[] = await arrived;
  const { localPort = 0, remotePort = 0, localAddress = '', remoteAddress = '' } = socket ?? {};
  const found = finder.find({ localPort, remotePort, localAddress, remoteAddress });
  if (found === undefined || socket === undefined) throw new Error('nobody was found');
  const { socket: inode, ...ref } = found;
  return { process, caller: { process: ref, socket: inode, agent: undefined }, socket };
}

async function allowNode(): Promise<void> {
  await allowance.allow({ path: NODE, script: file('bot.js'), uid, by: 'test' });
}
async function allowPython(script = 'bot.py'): Promise<void> {
  await allowance.allow({ path: PYTHON, script: file(script), uid, by: 'test' });
}

describe('a program', () => {
  it('is refused until it is allowed, and again once that is taken back', async () => {
    const { caller } = await visit(NODE, [file('bot.js')]);
    expect(await authorise(caller)).toMatchObject({
      allowed: false,
      code: 'caller/not-allowed',
      hint: expect.stringContaining('raypher allow'),
    });
    await allowNode();
    expect(await authorise(caller)).toMatchObject({ allowed: true });
    allowance.disallow(file('bot.js'), 'test');
    expect(await authorise(caller)).toMatchObject({ allowed: false });
    expect(recorded.map(({ type }) => type)).toEqual(['caller.allowed', 'caller.disallowed']);
  });

  it('is refused when one byte of it differs, even at the place of the one that was allowed', async () => {
    await allowance.allow({ path: bot, script: undefined, uid, by: 'test' });
    const first = await visit(bot, [file('bot.js')]);
    expect(await authorise(first.caller)).toMatchObject({ allowed: true });

    const changed = file('changed');
    copyFileSync(NODE, changed);
    appendFileSync(changed, '\n');
    const elsewhere = await visit(changed, [file('bot.js')]);
    expect(await authorise(elsewhere.caller)).toMatchObject({ allowed: false });

    renameSync(changed, bot);
    const replaced = await visit(bot, [file('bot.js')]);
    expect(await authorise(replaced.caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('not what was allowed'),
    });
    // The first one still executes the bytes that were allowed, whatever is at their place now.
    expect(await authorise(first.caller)).toMatchObject({ allowed: true });
  });

  it('is refused as a copy with the same bytes: what lies beside it is not the same', async () => {
    await allowNode();
    const copy = file('node');
    copyFileSync(NODE, copy);
    const { caller } = await visit(copy, [file('bot.js')]);
    expect(await authorise(caller)).toMatchObject({ allowed: false });
    rmSync(copy);
  });

  it.skipIf(withoutRoot !== undefined)(
    `is refused for another user, unless any user was allowed (${withoutRoot ?? 'as root'})`,
    async () => {
      await allowPython();
      const { caller } = await visit(PYTHON, [file('bot.py')], { uid: NOBODY, gid: NOBODY });
      expect(await authorise(caller)).toMatchObject({
        allowed: false,
        reason: expect.stringContaining('user 65534'),
      });
      await allowance.allow({ path: PYTHON, script: file('bot.py'), uid: undefined, by: 'test' });
      expect(await authorise(caller)).toMatchObject({ allowed: true });
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
    await allowNode();
    const { caller } = await visit(NODE, [file('bot.js')], { env });
    expect(await authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining(name),
    });
  });

  it('may have more memory, and variables that are empty', async () => {
    await allowNode();
    const env = { NODE_OPTIONS: '--max-old-space-size=512', LD_LIBRARY_PATH: '', NODE_ENV: 'production' };
    const { caller } = await visit(NODE, ['--enable-source-maps', file('bot.js')], { env });
    expect(await authorise(caller)).toMatchObject({ allowed: true });
  });
});

describe('a script under an allowed interpreter', () => {
  it.each([
    ['another script', ['EVIL']],
    ['-r', ['-r', 'PRELOAD', 'BOT']],
    ['--require=', ['--require=PRELOAD', 'BOT']],
    ['--import', ['--import', 'PRELOAD', 'BOT']],
    ['-e with the script’s name behind it', ['-e', NODE_BOT, 'BOT']],
    ['--inspect', ['--inspect=127.0.0.1:0', 'BOT']],
  ])('of node is refused with %s', async (_, parameters) => {
    await allowNode();
    const places: Record<string, string> = {
      EVIL: file('evil.js'),
      PRELOAD: file('preload.js'),
      BOT: file('bot.js'),
    };
    const real = parameters.map((word) => word.replace(/EVIL|PRELOAD|BOT$/, (name) => places[name] ?? name));
    const { caller } = await visit(NODE, real);
    expect(await authorise(caller)).toMatchObject({
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
    await allowPython();
    const real = parameters.map((word) => (word === 'BOT' ? file('bot.py') : word));
    const { caller } = await visit(PYTHON, real, { env });
    expect(await authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringMatching(/can (run|load) other code/),
    });
  });

  it('of Python is refused when the interpreter was started from another folder’s libraries', async () => {
    await allowPython();
    stage.write('venv/pyvenv.cfg', 'home = /usr/bin\n');
    stage.write('venv/bin/.keep', '');
    symlinkSync(PYTHON, file('venv/bin/python'));
    const { caller } = await visit(file('venv/bin/python'), [file('bot.py')]);
    expect(await authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('libraries'),
    });
  });

  it('is allowed by a relative path and through a link, which lead to the same file', async () => {
    await allowPython();
    symlinkSync(file('bot.py'), file('link.py'));
    const relative = await visit(PYTHON, ['-u', 'bot.py']);
    expect(await authorise(relative.caller)).toMatchObject({ allowed: true });
    const linked = await visit(PYTHON, ['link.py']);
    expect(await authorise(linked.caller)).toMatchObject({ allowed: true });
  });

  it('is refused when it was changed, and when it was touched after the start', async () => {
    stage.write('mine.js', NODE_BOT);
    await allowance.allow({ path: NODE, script: file('mine.js'), uid, by: 'test' });
    const writtenAt = Date.now();
    await until('the file is older', () => Date.now() > writtenAt + 100);
    const { caller } = await visit(NODE, [file('mine.js')]);
    expect(await authorise(caller)).toMatchObject({ allowed: true });

    stage.write('mine.js', `${NODE_BOT}\n// changed`);
    expect(await authorise(caller)).toMatchObject({ allowed: false });

    // Back to what was allowed, with its old time of modification: what the process read may have been another text.
    stage.write('mine.js', NODE_BOT);
    utimesSync(file('mine.js'), 0, 0);
    expect(await authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('restart it'),
    });
  });
});

describe('an allowed process', () => {
  it('is refused once it executes something else over the same connection', async () => {
    await allowPython();
    const { caller, socket, process } = await visit(PYTHON, [file('bot.py')]);
    expect(await authorise(caller)).toMatchObject({ allowed: true });
    const line = nextLine(process);
    socket.write('exec');
    expect(await line).toBe('staying');
    expect(await authorise(caller)).toMatchObject({ allowed: false });
  });

  it('is refused once another program holds its socket too', async () => {
    await allowPython();
    const { caller, socket, process } = await visit(PYTHON, [file('bot.py')]);
    const line = nextLine(process);
    socket.write('pass');
    expect(await line).toBe('passed');
    expect(await authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('shares this connection'),
    });
  });

  it('does not lend its name to the one that gave it a socket', async () => {
    await allowPython('stay.py');
    const { caller } = await visit(PYTHON, [file('parent.py')]);
    expect(await authorise(caller)).toMatchObject({ allowed: false });
  });

  it('is refused while it is traced', async () => {
    await allowNode();
    const { caller, process } = await visit(NODE, [file('bot.js')]);
    expect(await authorise(caller)).toMatchObject({ allowed: true });
    // PTRACE_SEIZE (ptrace(2)): attaches without stopping.
    const tracer = await stage.start(PYTHON, [
      '-c',
      `import ctypes, time
print(ctypes.CDLL(None, use_errno=True).ptrace(0x4206, ${process.pid}, None, None), flush=True)
time.sleep(600)`,
    ]);
    expect(tracer.firstLine).toBe('0');
    expect(await authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('traces it'),
    });
  });

  it('is not taken for the process that had its number before', async () => {
    await allowNode();
    const { caller } = await visit(NODE, [file('bot.js')]);
    if (caller.process === undefined) throw new Error('nobody was found');
    const { pid, startTime } = caller.process;
    const earlier = { ...caller, process: { pid, startTime: startTime - 1 } };
    expect(await authorise(earlier)).toMatchObject({ allowed: false, code: 'caller/unknown' });
  });

  it('is unknown when nobody found it', async () => {
    expect(await authorise({ process: undefined, agent: null })).toMatchObject({
      allowed: false,
      code: 'caller/unknown',
    });
  });
});

describe('allowing', () => {
  it('refuses a bare interpreter and says why', async () => {
    await expect(allowance.allow({ path: NODE, script: undefined, uid, by: 'test' })).rejects.toMatchObject({
      code: 'request/invalid',
      message: expect.stringContaining('any node program'),
      hint: expect.stringContaining('--script'),
    });
  });

  it.each(['/usr/bin/env', '/usr/bin/find'])(
    'refuses %s, which runs whatever it is told to',
    async (path) => {
      const asked = allowance.allow({ path, script: undefined, uid, by: 'test' });
      await expect(asked).rejects.toMatchObject({
        message: expect.stringContaining('whatever it is told to'),
      });
    },
  );

  it('keeps the list over a restart, and allows the same only once', async () => {
    await allowNode();
    await allowNode();
    expect(list.list()).toHaveLength(1);
    const { db } = openDatabase(join(stage.directory, 'agent', 'agent.db'));
    expect(new AllowList(db).list()).toEqual(list.list());
    db.close();
  });
});

function nextLine({ child }: Started): Promise<string> {
  if (child.stdout === null) throw new Error('no output');
  const lines = createInterface({ input: child.stdout });
  return once(lines, 'line').then(([line]) => String(line));
}
