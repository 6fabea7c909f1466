import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { ByteLines } from './byte-lines.ts';
import { McpProxy } from './mcp-proxy.ts';
import type { ToolGate } from './tool-gate.ts';
import type { ToolMemory } from './tool-memory.ts';

/** Bytes of one message. What is longer is not held, and cannot be decided about. */
export const LONGEST_LINE = 16 * 1024 * 1024;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The shell's conventions. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const SIGNAL_BASE = 128;
const TOO_LONG = 1;

export interface RunOptions {
  command: string;
  args: readonly string[];
  gate: ToolGate;
  memory: ToolMemory;
  input: Readable;
  output: Writable;
}

/** Runs an MCP server behind the proxy until it ends. @returns its exit code */
export async function runMcpProxy({
  command,
  args,
  gate,
  memory,
  input,
  output,
}: RunOptions): Promise<number> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  child.once('error', (error: NodeJS.ErrnoException) => {
    process.stderr.write(`raypher: ${command} cannot be started: ${error.message}\n`);
    end(error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE);
  });
  child.once('close', (code, signal) =>
    end(code ?? SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal])),
  );
  // A server that ends while something is written to it is ordinary; 'close' follows.
  child.stdin.on('error', () => undefined);

  const proxy = new McpProxy({
    gate,
    memory,
    toServer: (line) => write(child.stdin, line, input),
    toClient: (line) => write(output, line, child.stdout),
  });
  const tooLong = (whose: string): void => {
    process.stderr.write(`raypher: a message of the ${whose} is longer than ${LONGEST_LINE} bytes; ended.\n`);
    child.kill('SIGKILL');
    end(TOO_LONG);
  };
  const deciding = new Set<Promise<void>>();
  const follow = (source: Readable, whose: string, take: (line: Buffer) => Promise<void>): ByteLines => {
    const lines = new ByteLines(LONGEST_LINE);
    source.on('data', (chunk: Buffer) => {
      const whole = lines.feed(chunk);
      if (whole === undefined) {
        source.removeAllListeners('data');
        tooLong(whose);
        return;
      }
      for (const line of whole) {
        const taken = take(line).catch((error: unknown) => {
          process.stderr.write(
            `raypher: a message could not be decided and did not pass: ${String(error)}\n`,
          );
        });
        deciding.add(taken);
        void taken.then(() => deciding.delete(taken));
      }
    });
    return lines;
  };
  follow(input, 'client', (line) => proxy.fromClient(line));
  const fromServer = follow(child.stdout, 'server', (line) => proxy.fromServer(line));
  input.once('end', () => void Promise.all(deciding).then(() => child.stdin.end()));

  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    const code = await ended;
    await Promise.all(deciding);
    const rest = fromServer.rest();
    // Without its end it is a line to some clients.
    if (rest.length > 0) await proxy.fromServer(rest);
    return code;
  } finally {
    for (const signal of FORWARDED) process.off(signal, forward);
    input.removeAllListeners('data');
    input.pause();
  }
}

/** Whoever does not read holds up whoever writes. */
function write(to: Writable, line: Buffer | string, from: Readable): void {
  if (!to.writable || to.write(line)) return;
  from.pause();
  to.once('drain', () => from.resume());
}
