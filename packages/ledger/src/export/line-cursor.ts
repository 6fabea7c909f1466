import { RaypherError } from '@raypher/shared/errors';
import type { z } from 'zod';
import type { FaultLog } from './fault-log.ts';
import { parseJson } from './parse-json.ts';

/** A file with more lines that cannot be read is none: a hostile one could have millions, each a byte long. */
const MOST_UNREADABLE = 1_000;

/** Goes through the lines of one file and looks one line ahead. What cannot be read is a fault, and left out. */
export class LineCursor<T> {
  readonly #lines: AsyncIterator<string>;
  readonly #path: string;
  readonly #shape: z.ZodType<T>;
  readonly #faults: FaultLog;
  #number = 0;
  #unreadable = 0;
  #ahead: { value: T | undefined } | undefined;

  constructor(lines: AsyncIterable<string>, path: string, shape: z.ZodType<T>, faults: FaultLog) {
    this.#lines = lines[Symbol.asyncIterator]();
    this.#path = path;
    this.#shape = shape;
    this.#faults = faults;
  }

  /** The next line, which stays the next; undefined at the end. */
  async peek(): Promise<T | undefined> {
    this.#ahead ??= { value: await this.#read() };
    return this.#ahead.value;
  }

  /** Goes past the line that was looked at. */
  skip(): void {
    this.#ahead = undefined;
  }

  async *rest(): AsyncGenerator<T> {
    for (let value = await this.peek(); value !== undefined; value = await this.peek()) {
      this.skip();
      yield value;
    }
  }

  async #read(): Promise<T | undefined> {
    for (;;) {
      const line = await this.#nextLine();
      if (line === undefined) return undefined;
      this.#number += 1;
      const parsed = this.#shape.safeParse(parseJson(line));
      if (parsed.success) return parsed.data;
      this.#fault(`Line ${this.#number} of ${this.#path} cannot be read.`);
      this.#unreadable += 1;
      if (this.#unreadable === MOST_UNREADABLE) await this.#end();
    }
  }

  async #end(): Promise<void> {
    this.#fault(`${this.#path} is not read any further after line ${this.#number}.`);
    await this.#lines.return?.();
  }

  async #nextLine(): Promise<string | undefined> {
    try {
      const { done, value } = await this.#lines.next();
      return done === true ? undefined : value;
    } catch (error) {
      if (!(error instanceof RaypherError && error.code === 'ledger/malformed')) throw error;
      this.#fault(`${this.#path} cannot be read after line ${this.#number}: ${error.message}`);
      return undefined;
    }
  }

  #fault(detail: string): void {
    this.#faults.add({ code: 'malformed', path: this.#path, detail });
  }
}
