import { once } from 'node:events';
import { chmodSync, copyFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, vi } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { AuthoriseCaller, Caller } from '../proxy/caller.ts';
import { Stage, type Started, until } from '../response/spawned.test-support.ts';
import { AllowList } from '../store/allow-list.ts';
import { openDatabase } from '../store/database.ts';
import { PYTHON } from '../testing/python.ts';
import { Allowance } from './allowance.ts';
import { authoriseFrom } from './authorise.ts';
import { CallerFinder } from './caller-finder.ts';
import { SocketHolders } from './holders.ts';

export const NODE = process.execPath;
export const NOBODY = 65_534;
export const uid = process.getuid?.() ?? 0;

/** Connects to the port it is given and stays. */
export const NODE_BOT = `const s = require('net').connect(Number(process.argv.at(-1)), '127.0.0.1', () => console.log('ready'));
s.on('error', () => {});`;
/** Does what the server tells it to: execute something else, pass its socket on. */
export const PYTHON_BOT = `import os, socket, subprocess, sys, time
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

export interface Visitor {
  process: Started;
  caller: Caller;
  socket: Socket;
}

/** A server, and programs that connect to it and are judged as the proxy would. */
export class Visits {
  readonly stage = new Stage();
  readonly recorded: EventDraft[] = [];
  readonly finder = new CallerFinder();
  readonly holders = new SocketHolders({ maxAgeMs: 0, spacingMs: 0 });
  readonly database = join(this.stage.directory, 'agent', 'agent.db');
  readonly list = new AllowList(openDatabase(this.database).db);
  readonly allowance = new Allowance(this.list, (event) => this.recorded.push(event));
  readonly authorise: AuthoriseCaller = authoriseFrom({
    programs: () => this.list.list(),
    holders: this.holders,
  });
  /** A copy of Node.js: a program of its own. */
  readonly bot = this.file('bot');
  readonly #server = createServer();
  readonly #accepted: Socket[] = [];

  async open(): Promise<void> {
    this.#server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      this.#accepted.push(socket);
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    chmodSync(this.stage.directory, 0o755);
    for (const [name, text] of Object.entries({
      'bot.js': NODE_BOT,
      'evil.js': `${NODE_BOT} // and more`,
      'preload.js': '',
      'bot.py': PYTHON_BOT,
      'parent.py': PYTHON_PARENT,
      'stay.py': PYTHON_STAY,
      'module_bot.py': PYTHON_BOT,
    })) {
      this.stage.write(name, text);
    }
    copyFileSync(NODE, this.bot);
    await this.settle();
  }

  async close(): Promise<void> {
    for (const socket of this.#accepted) socket.destroy();
    this.#server.close();
    this.finder.close();
    await this.stage.end();
  }

  /** Until what was written is older than what is started next. */
  async settle(): Promise<void> {
    const writtenAt = Date.now();
    await until('the files are older than what is started', () => Date.now() > writtenAt + 100);
  }

  file(name: string): string {
    return join(this.stage.directory, name);
  }

  /** Starts a program that connects, and finds it as the proxy would. */
  async visit(
    command: string,
    parameters: readonly string[],
    options: Parameters<Stage['start']>[2] = {},
  ): Promise<Visitor> {
    const arrived = once(this.#server, 'connection');
    // The address of a listening TCP server is an AddressInfo.
    const { port } = this.#server.address() as AddressInfo;
    const process = await this.stage.start(command, [...parameters, String(port)], options);
    const [socket]: Socket[] = await arrived;
    const { localPort = 0, remotePort = 0, localAddress = '', remoteAddress = '' } = socket ?? {};
    let found: ReturnType<CallerFinder['find']>;
    // A search that takes long, as where this process had no turn meanwhile, is given up.
    await until('the finder finds who called', () => {
      found = this.finder.find({ localPort, remotePort, localAddress, remoteAddress });
      return found !== undefined;
    });
    if (found === undefined || socket === undefined) throw new Error('nobody was found');
    const { socket: inode, ...ref } = found;
    return { process, caller: { process: ref, socket: inode, agent: undefined }, socket };
  }

  async allowNode(): Promise<void> {
    await this.allowance.allow({ path: NODE, script: this.file('bot.js'), uid, by: 'test' });
  }

  async allowPython(script = 'bot.py'): Promise<void> {
    await this.allowance.allow({ path: PYTHON, script: this.file(script), uid, by: 'test' });
  }
}

/** For the tests of one file. The allow list is empty before each. */
export function visits(): Visits {
  // Real processes on a machine that may be busy with other things.
  vi.setConfig({ testTimeout: 60_000 });
  const opened = new Visits();
  beforeAll(() => opened.open());
  afterAll(() => opened.close());
  beforeEach(() => {
    for (const { id } of opened.list.list()) opened.list.remove(id);
    opened.recorded.length = 0;
  });
  return opened;
}

export function nextLine({ child }: Started): Promise<string> {
  if (child.stdout === null) throw new Error('no output');
  const lines = createInterface({ input: child.stdout });
  return once(lines, 'line').then(([line]) => String(line));
}
