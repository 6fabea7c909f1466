import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { END_THIS_THREAD, PYTHON } from '../testing/python.ts';
import { SocketHolders } from './holders.ts';
import { NODE, nextLine, visits } from './visits.test-support.ts';

const on = visits();

describe('an allowed process', () => {
  it('is refused once it executes something else over the same connection', async () => {
    await on.allowPython();
    const { caller, socket, process } = await on.visit(PYTHON, [on.file('bot.py')]);
    expect(await on.authorise(caller)).toMatchObject({ allowed: true });
    const line = nextLine(process);
    socket.write('exec');
    expect(await line).toBe('staying');
    expect(await on.authorise(caller)).toMatchObject({ allowed: false });
  });

  it('is refused once another program holds its socket too', async () => {
    await on.allowPython();
    const { caller, socket, process } = await on.visit(PYTHON, [on.file('bot.py')]);
    const line = nextLine(process);
    socket.write('pass');
    expect(await line).toBe('passed');
    expect(await on.authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('shares this connection'),
    });
  });

  it('does not lend its name to the one that gave it a socket', async () => {
    await on.allowPython('stay.py');
    const { caller } = await on.visit(PYTHON, [on.file('parent.py')]);
    expect(await on.authorise(caller)).toMatchObject({ allowed: false });
  });

  it('is refused when it has more threads than can be looked at', async () => {
    on.stage.write(
      'crowd.py',
      `import socket, sys, threading, time
threading.stack_size(65536)
s = socket.create_connection(('127.0.0.1', int(sys.argv[-1])))
for _ in range(1100): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
print('ready', flush=True)
time.sleep(600)
`,
    );
    await on.allowPython('crowd.py');
    const { caller } = await on.visit(PYTHON, [on.file('crowd.py')]);
    expect(await on.authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('its threads cannot be examined, or are too many'),
    });
  });

  it.each(['its first thread', 'another thread'])('is refused while %s is traced', async (which) => {
    await on.allowNode();
    const { caller, process } = await on.visit(NODE, [on.file('bot.js')]);
    expect(await on.authorise(caller)).toMatchObject({ allowed: true });
    const threads = readdirSync(`/proc/${process.pid}/task`).map(Number);
    const thread = which === 'another thread' ? threads.find((id) => id !== process.pid) : process.pid;
    // PTRACE_SEIZE (ptrace(2)): attaches without stopping.
    const tracer = await on.stage.start(PYTHON, [
      '-c',
      `import ctypes, time
print(ctypes.CDLL(None, use_errno=True).ptrace(0x4206, ${thread}, None, None), flush=True)
time.sleep(600)`,
    ]);
    expect(tracer.firstLine).toBe('0');
    expect(await on.authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('traces it'),
    });
  });

  it('is not taken for the process that had its number before', async () => {
    await on.allowNode();
    const { caller } = await on.visit(NODE, [on.file('bot.js')]);
    if (caller.process === undefined) throw new Error('nobody was found');
    const { pid, startTime } = caller.process;
    const earlier = { ...caller, process: { pid, startTime: startTime - 1 } };
    expect(await on.authorise(earlier)).toMatchObject({ allowed: false, code: 'caller/unknown' });
  });

  it('is unknown when nobody found it', async () => {
    expect(await on.authorise({ process: undefined, agent: null })).toMatchObject({
      allowed: false,
      code: 'caller/unknown',
    });
  });
});

/** Its first thread ends or not; another one keeps the connection in a table of descriptors of its own. */
const HIDING = (hide: string) => `import ctypes, os, socket, subprocess, sys, threading, time
libc = ctypes.CDLL(None)
s = socket.create_connection(('127.0.0.1', int(sys.argv[-1])))
s.set_inheritable(True)
child = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), 'stay.py')], close_fds=False, stdout=subprocess.PIPE)
child.stdout.readline()
hidden = threading.Event()
def hold():
    ${hide}
    hidden.set()
    time.sleep(600)
threading.Thread(target=hold).start()
hidden.wait()
`;

describe('a socket that a process does not show in its own list of descriptors', () => {
  it.each([
    // CLONE_FILES of unshare(2)
    [
      'a thread with descriptors of its own',
      'libc.unshare(0x400)',
      `os.close(s.fileno())\nprint('ready', flush=True)\ntime.sleep(600)`,
    ],
    ['a thread that outlives the first one', 'pass', `print('ready', flush=True)\n${END_THIS_THREAD}`],
  ])('counts when it is held by %s', async (_, hide, then) => {
    await on.allowPython('stay.py');
    on.stage.write('hiding.py', HIDING(hide) + then);
    const { caller } = await on.visit(PYTHON, [on.file('hiding.py')]);
    expect(await on.authorise(caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('shares this connection'),
    });
  });
});

describe('a process in a user namespace of its own', () => {
  it('is refused: there it may tell the kernel that it runs another executable', async () => {
    await on.allowPython();
    const { caller } = await on.visit(PYTHON, [on.file('bot.py')]);
    expect(await on.authorise(caller)).toMatchObject({ allowed: true });
    const apart = await on.visit('/usr/bin/unshare', [
      '--user',
      '--map-current-user',
      PYTHON,
      on.file('bot.py'),
    ]);
    expect(await on.authorise(apart.caller)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('namespaces'),
    });
  });
});

describe('looking at all processes', () => {
  it('is not caused by a program that is not allowed, nor is its file hashed', async () => {
    await on.allowNode();
    const { caller } = await on.visit(PYTHON, [on.file('bot.py')]);
    const before = on.holders.sweeps;
    expect(await on.authorise(caller)).toMatchObject({ allowed: false });
    expect(on.holders.sweeps).toBe(before);
  });

  it('is shared by many who ask, and not done again before it has rested', async () => {
    const holders = new SocketHolders({ maxAgeMs: 0, spacingMs: 300 });
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: 100 }, () => holders.of('1')));
    // The one under way when the others came may have passed their sockets by.
    const sweeps = holders.sweeps;
    expect(sweeps).toBeLessThanOrEqual(2);
    await holders.of('1');
    expect(holders.sweeps).toBe(sweeps + 1);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(300 * sweeps);
  });
});
