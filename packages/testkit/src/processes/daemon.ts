import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import type { Account } from './account.ts';

/** A server program that runs beside us. */
export interface Daemon {
  readonly pid: number;
  /** Resolves when the process is gone, however it went. */
  readonly exited: Promise<DaemonExit>;
  kill(signal?: NodeJS.Signals): void;
  /** Asks politely with the daemon's own stop signal, insists after `graceMs`, and waits until it is gone. */
  stop(): Promise<void>;
}

export interface DaemonExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface DaemonOptions {
  command: string;
  args: string[];
  /** The line the program prints when it accepts connections, or a question asked again and again until it says yes. */
  ready: RegExp | (() => Promise<boolean>);
  stopSignal: NodeJS.Signals;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Run as this account instead of our own. */
  account?: Account | undefined;
  /** Everything the program prints is appended here. */
  logFile?: string | undefined;
  /** How long to wait for `ready`, milliseconds. */
  startTimeoutMs?: number;
  graceMs?: number;
  /** Gives up waiting for `ready` and ends the program. Without effect once it is ready. */
  signal?: AbortSignal | undefined;
}

const SETPRIV = '/usr/bin/setpriv';
const KEPT_OUTPUT = 4000;
const ASK_EVERY_MS = 50;

/**
 * Starts a server program and waits until it says that it is ready.
 *
 * It gets a process group of its own, so Ctrl-C in a terminal reaches only us and we decide the order in which things
 * stop. On Linux the kernel signals it when we die without stopping it (PR_SET_PDEATHSIG), so nothing is left behind.
 *
 * @throws Error with the program's last words when it ends before it is ready.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const [command, args] = withParentDeathSignal(options);
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.account === undefined ? {} : { uid: options.account.uid, gid: options.account.gid }),
  });
  const exited = exitOf(child);
  const output = collectOutput(child, options.logFile);
  try {
    await untilReady(child, output, options);
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    throw error;
  }
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.command} has no process id.`);
  return {
    pid,
    exited,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    stop: async () => {
      await stopChild(child, exited, options.stopSignal, options.graceMs ?? 10_000);
      await output.written;
    },
  };
}

function withParentDeathSignal(options: DaemonOptions): [string, string[]] {
  if (process.platform !== 'linux' || !existsSync(SETPRIV)) return [options.command, options.args];
  return [
    SETPRIV,
    ['--pdeathsig', options.stopSignal.replace('SIG', ''), '--', options.command, ...options.args],
  ];
}

function exitOf(child: ChildProcess): Promise<DaemonExit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
}

interface Output {
  tail(): string;
  onText(listener: () => void): void;
  /** Resolves when the log holds all that was printed. */
  written: Promise<void>;
}

function collectOutput(child: ChildProcess, logFile: string | undefined): Output {
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  const written = new Promise<void>((resolve) => {
    if (log === undefined) resolve();
    // A log that cannot be written (disk full) must not take the program down.
    log?.on('error', () => resolve());
    log?.once('close', () => resolve());
  });
  child.once('close', () => log?.end());
  let tail = '';
  let notify = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      log?.write(chunk);
      tail = (tail + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
      notify();
    });
  }
  return {
    written,
    tail: () => tail,
    onText: (listener) => {
      notify = listener;
    },
  };
}

function untilReady(child: ChildProcess, output: Output, options: DaemonOptions): Promise<void> {
  const limit = options.startTimeoutMs ?? 60_000;
  const { ready } = options;
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (finish: () => void) => {
      settled = true;
      clearTimeout(timer);
      output.onText(() => {});
      child.off('close', onClose);
      child.off('error', onError);
      options.signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const fail = (what: string, cause?: unknown) =>
      settle(() => reject(new Error(`${options.command} ${what}.\n${output.tail()}`.trim(), { cause })));
    const timer = setTimeout(() => fail(`was not ready within ${limit / 1000} s`), limit);
    const onClose = () => fail('ended before it was ready');
    const onError = (error: Error) => fail('could not be started', error);
    const onAbort = () => settle(() => reject(options.signal?.reason));
    child.once('close', onClose);
    child.once('error', onError);
    options.signal?.addEventListener('abort', onAbort);
    if (options.signal?.aborted) onAbort();
    if (ready instanceof RegExp) {
      output.onText(() => {
        if (ready.test(output.tail())) settle(resolve);
      });
      return;
    }
    const ask = async () => {
      while (!settled) {
        if (await ready()) {
          // It may have ended while the question was on its way.
          if (!settled) settle(resolve);
          return;
        }
        await new Promise((next) => setTimeout(next, ASK_EVERY_MS));
      }
    };
    ask().catch((error: unknown) => {
      if (!settled) settle(() => reject(error));
    });
  });
}

async function stopChild(
  child: ChildProcess,
  exited: Promise<DaemonExit>,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill(signal);
  const insist = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await exited;
  clearTimeout(insist);
  await closed;
}
