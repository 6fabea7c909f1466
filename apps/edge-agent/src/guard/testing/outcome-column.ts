import { readFileSync, writeFileSync } from 'node:fs';
import type { AttemptOutcome } from './attempt-runner.ts';

/** A column of the enforcement matrix: what came of each attempt, as it was recorded before and as it is now. */
export class OutcomeColumn {
  readonly outcomes = new Map<string, AttemptOutcome>();
  readonly #file: string;

  constructor(name: string) {
    this.#file = new URL(`outcomes/${name}.json`, import.meta.url).pathname;
  }

  /**
   * Takes what came of the attempts; `RAYPHER_WRITE_OUTCOMES=1` records it anew.
   *
   * @param names what differs from machine to machine, and what stands for it in the file
   */
  take(outcomes: readonly AttemptOutcome[], names: Readonly<Record<string, string>>): void {
    for (const outcome of outcomes) this.outcomes.set(outcome.id, outcome);
    if (process.env.RAYPHER_WRITE_OUTCOMES !== '1') return;
    const text = Object.entries(names).reduce(
      (written, [found, name]) => written.replaceAll(found, name),
      JSON.stringify(outcomes, null, 2),
    );
    writeFileSync(this.#file, `${text}\n`);
  }

  /** @returns both, or why they cannot be compared here */
  compare(id: string): { actual: AttemptOutcome | undefined; expected: AttemptOutcome | undefined } | string {
    // What is there is what this class wrote.
    const recorded = JSON.parse(readFileSync(this.#file, 'utf8')) as AttemptOutcome[];
    const expected = recorded.find((one) => one.id === id);
    const actual = this.outcomes.get(id);
    const untried = [actual, expected].find((one) => one?.outcome === 'not applicable');
    return untried === undefined ? { actual, expected } : `not every machine can try it: ${untried.because}`;
  }
}
