import { createRequire } from 'node:module';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';
import { NETLINK_NETFILTER } from './netfilter-message.ts';
import { NetlinkSocket } from './netlink-socket.ts';

/** A handle of libnftables; what it points to is the library's alone. */
type Context = unknown;

interface Library {
  newContext: (flags: number) => Context | null;
  freeContext: (context: Context) => void;
  bufferOutput: (context: Context) => number;
  bufferErrors: (context: Context) => number;
  run: (context: Context, commands: string) => number;
  output: (context: Context) => string;
  errors: (context: Context) => string;
}

let loaded: Library | undefined;

function library(): Library {
  loaded ??= load();
  return loaded;
}

function load(): Library {
  if (process.platform !== 'linux') {
    throw new RaypherError('platform/unsupported', 'nftables is a thing of Linux.');
  }
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  let libnftables: Koffi.LibraryHandle;
  try {
    libnftables = koffi.load('libnftables.so.1');
  } catch (cause) {
    throw new RaypherError(
      'platform/unsupported',
      'libnftables.so.1 cannot be loaded. Install libnftables1 (Debian, Ubuntu) or nftables (others).',
      { cause },
    );
  }
  return {
    newContext: libnftables.func('void *nft_ctx_new(uint32_t flags)'),
    freeContext: libnftables.func('void nft_ctx_free(void *context)'),
    bufferOutput: libnftables.func('int nft_ctx_buffer_output(void *context)'),
    bufferErrors: libnftables.func('int nft_ctx_buffer_error(void *context)'),
    run: libnftables.func('int nft_run_cmd_from_buffer(void *context, const char *commands)'),
    output: libnftables.func('const char *nft_ctx_get_output_buffer(void *context)'),
    errors: libnftables.func('const char *nft_ctx_get_error_buffer(void *context)'),
  };
}

/** @returns why rules cannot be written from here; undefined when libnftables is there */
export function libnftablesMissing(): string | undefined {
  try {
    library();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The rules of the packet filter of this network namespace, as nft(8) writes them. A table with `flags owner` belongs to
 * the context that made it: nobody else changes it, and the kernel deletes it when the context is closed or its
 * process ends, however that ends.
 */
export class Nftables implements Disposable {
  readonly #context: Context;
  #isOpen = true;

  private constructor(context: Context) {
    this.#context = context;
  }

  /** @throws RaypherError `platform/unsupported` with the reason */
  static open(): Nftables {
    const { newContext, bufferOutput, bufferErrors } = library();
    // Where there is no such socket to be had, the library ends the process.
    NetlinkSocket.open(NETLINK_NETFILTER).close();
    const context = newContext(0);
    if (context === null)
      throw new RaypherError('platform/unsupported', 'libnftables opens no context here.');
    bufferOutput(context);
    bufferErrors(context);
    return new Nftables(context);
  }

  /**
   * Runs commands as one transaction: all of them, or none.
   *
   * @returns what they printed
   * @throws RaypherError `platform/unsupported` with what the kernel or the library has against them
   */
  run(commands: string): string {
    if (!this.#isOpen) throw new TypeError('the context is closed');
    const { run, output, errors } = library();
    const failed = run(this.#context, commands) !== 0;
    // Both buffers are emptied by being read.
    const [printed, said] = [output(this.#context), errors(this.#context)];
    if (!failed) return printed;
    throw new RaypherError('platform/unsupported', `The packet filter refused its rules: ${firstLine(said)}`);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    library().freeContext(this.#context);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Of messages such as "/dev/stdin:1:5-9: Error: …", what they say. */
function firstLine(said: string): string {
  const line = said.split('\n', 1)[0] ?? '';
  return line.replace(/^.*?Error: /, '') || 'it says no reason';
}
