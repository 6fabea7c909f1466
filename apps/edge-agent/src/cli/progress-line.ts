import type { WriteStream } from 'node:tty';

const INTERVAL_MS = 200;

/** One line on a terminal that says how far something is; nothing where there is no terminal. */
export class ProgressLine {
  readonly #what: string;
  readonly #terminal: WriteStream;
  readonly #began = performance.now();
  #shownAt = 0;

  constructor(what: string, terminal: WriteStream) {
    this.#what = what;
    this.#terminal = terminal;
  }

  show(done: number, of: number): void {
    const now = performance.now();
    // What is over at once needs no progress.
    if (!this.#terminal.isTTY || now - this.#began < INTERVAL_MS || now - this.#shownAt < INTERVAL_MS) return;
    this.#shownAt = now;
    const share = Math.floor((done / Math.max(of, 1)) * 100);
    this.#terminal.write(
      `\r${share} % (${done.toLocaleString('en')} of ${of.toLocaleString('en')} ${this.#what})`,
    );
  }

  clear(): void {
    if (this.#shownAt > 0) this.#terminal.write('\r\x1b[2K');
    this.#shownAt = 0;
  }
}
