import type { Exchange } from './exchange.ts';
import { WRITTEN_ANEW } from './headers.ts';

/** Target and headers of a request. */
type Head = Pick<Exchange, 'client' | 'destination' | 'request'>;

interface Remembered {
  readonly scanner: string;
  readonly path: string;
  readonly provider: string | undefined;
  readonly rawHeaders: readonly string[];
}

/**
 * Remembers target and headers of the last request of each connection while nothing was found in them, in memory only
 * and as long as the connection: a client writes the same ones with every call, and they need no second look.
 */
export class CleanHeads {
  readonly #last = new WeakMap<object, Remembered>();

  /** @param scanner version of what looks through it; another one may find other things */
  has({ client, destination: { path, provider }, request: { rawHeaders } }: Head, scanner: string): boolean {
    const last = this.#last.get(client);
    return (
      last !== undefined &&
      last.scanner === scanner &&
      last.path === path &&
      last.provider === provider?.id &&
      isSame(last.rawHeaders, rawHeaders)
    );
  }

  remember(
    { client, destination: { path, provider }, request: { rawHeaders } }: Head,
    scanner: string,
  ): void {
    this.#last.set(client, { scanner, path, provider: provider?.id, rawHeaders });
  }
}

/** But for values that nobody looks at, because they are written anew: the length of the body. */
function isSame(last: readonly string[], now: readonly string[]): boolean {
  if (last.length !== now.length) return false;
  for (let at = 0; at < now.length; at += 2) {
    if (last[at] !== now[at]) return false;
    if (last[at + 1] !== now[at + 1] && !WRITTEN_ANEW.has(now[at]?.toLowerCase() ?? '')) return false;
  }
  return true;
}
