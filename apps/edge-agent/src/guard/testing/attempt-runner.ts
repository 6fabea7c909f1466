import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Attempt, Told } from './attempt-definition.ts';
import { restoreStage, type Stage } from './stage.ts';

/** What came of an attempt in one tier, as its column of the enforcement matrix keeps it. */
export type AttemptOutcome =
  | {
      readonly id: string;
      readonly outcome: 'stopped' | 'recorded' | 'not stopped';
      readonly because?: string;
    }
  | { readonly id: string; readonly outcome: 'not applicable'; readonly because: string };

export interface AttemptRunnerOptions {
  readonly stage: Stage;
  /**
   * Starts `attempt.ts` with Node inside the tree, its standard input and output as pipes. An AI agent's tree that
   * the stage's policy holds for.
   */
  readonly start: () => ChildProcess;
  /** What the stage's sinks received since they were last asked; each time they are asked they forget. */
  readonly received?: () => Promise<string>;
  /** Whether the guard left a record of it, for what went on nevertheless. */
  readonly recorded?: (attempt: Attempt) => Promise<boolean> | boolean;
}

/** Makes attempts one by one and finds out from outside what came of each. */
export class AttemptRunner implements AsyncDisposable {
  readonly #options: AttemptRunnerOptions;
  #inside: Inside | undefined;

  constructor(options: AttemptRunnerOptions) {
    this.#options = options;
  }

  async run(attempt: Attempt): Promise<AttemptOutcome> {
    const { stage, received, recorded } = this.#options;
    restoreStage(stage);
    await received?.();
    const told = await this.#tell(attempt);
    const { id } = attempt;
    if (told.told === 'not here') return { id, outcome: 'not applicable', because: told.because };
    const happened =
      (attempt.happened?.(stage) ?? told.told === 'done') ||
      (await received?.())?.includes(stage.marker) === true;
    if (!happened)
      return { id, outcome: 'stopped', ...(told.told === 'refused' ? { because: told.because } : {}) };
    return { id, outcome: (await recorded?.(attempt)) === true ? 'recorded' : 'not stopped' };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inside?.end();
  }

  async #tell(attempt: Attempt): Promise<Told> {
    if (attempt.alone !== true) {
      this.#inside ??= new Inside(this.#options);
      return this.#inside.attempt(attempt.id);
    }
    const alone = new Inside(this.#options);
    try {
      return await alone.attempt(attempt.id);
    } finally {
      await alone.end();
    }
  }
}

/** A process inside the tree. */
class Inside {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor({ start, stage }: AttemptRunnerOptions) {
    this.#child = start();
    if (this.#child.stdout === null) throw new TypeError('its output must be a pipe');
    this.#reader = createInterface({ input: this.#child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    this.#write(JSON.stringify(stage));
  }

  async attempt(id: string): Promise<Told> {
    this.#write(id);
    const line = await this.#lines.next();
    if (line.done === true) return { id, told: 'refused', because: 'the process ended' };
    // What comes here is what `attempt.ts` wrote.
    return JSON.parse(line.value) as Told;
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    this.#reader.close();
  }

  #write(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }
}
