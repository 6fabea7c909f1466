import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** What a process inside an AI agent's tree is asked to do; it answers with a line of JSON. */
export type Order =
  | { readonly do: 'read' | 'write' | 'remove'; readonly path: string }
  | { readonly do: 'execute'; readonly program: string; readonly args: readonly string[] }
  | { readonly do: 'connect'; readonly host: string; readonly port: number }
  /** Reads again and again in the background, some thousand times a second. */
  | { readonly do: 'hammer'; readonly path: string }
  /** What the hammer has done so far. */
  | { readonly do: 'count' }
  | { readonly do: 'read-many'; readonly path: string; readonly times: number };

export interface Answer {
  readonly done: boolean;
  readonly because?: string;
  readonly tries?: number;
  readonly successes?: number;
}

const hammer = { tries: 0, successes: 0 };

async function obey(order: Order): Promise<Answer> {
  switch (order.do) {
    case 'read':
      return attempt(() => readFileSync(order.path));
    case 'write':
      return attempt(() => writeFileSync(order.path, 'written'));
    case 'remove':
      return attempt(() => unlinkSync(order.path));
    case 'execute': {
      const { error, status } = spawnSync(order.program, order.args);
      return error === undefined ? { done: status === 0 } : { done: false, because: error.message };
    }
    case 'connect':
      return reach(order.host, order.port);
    case 'hammer':
      strike(order.path);
      return { done: true };
    case 'count':
      return { done: true, ...hammer };
    case 'read-many': {
      let successes = 0;
      for (let tries = 0; tries < order.times; tries++)
        successes += attempt(() => readFileSync(order.path)).done ? 1 : 0;
      return { done: true, tries: order.times, successes };
    }
  }
}

function attempt(act: () => unknown): Answer {
  try {
    act();
    return { done: true };
  } catch (error) {
    return { done: false, because: error instanceof Error ? error.message : String(error) };
  }
}

async function reach(host: string, port: number): Promise<Answer> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return { done: true };
  } catch (error) {
    return { done: false, because: error instanceof Error ? error.message : String(error) };
  } finally {
    socket.destroy();
  }
}

/** In small pieces, so that orders are heard, and others get a turn on a slow machine. */
function strike(path: string): void {
  for (let blow = 0; blow < 5; blow++) {
    hammer.tries++;
    if (attempt(() => readFileSync(path)).done) hammer.successes++;
  }
  setTimeout(() => strike(path), 1);
}

for await (const line of createInterface({ input: process.stdin })) {
  // What comes here is what `InsideProcess` wrote.
  process.stdout.write(`${JSON.stringify(await obey(JSON.parse(line) as Order))}\n`);
  if (line === '') break;
}
process.exit(0);
