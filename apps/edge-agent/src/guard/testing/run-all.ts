import type { Attempt } from './attempt-definition.ts';
import type { AttemptOutcome, AttemptRunner } from './attempt-runner.ts';

/** Makes all attempts one by one; those that end the product's process get a stage of their own. */
export async function runAll(
  attempts: readonly Attempt[],
  open: () => AttemptRunner,
): Promise<AttemptOutcome[]> {
  const outcomes: AttemptOutcome[] = [];
  await using shared = open();
  for (const attempt of attempts.filter(({ endsAgent }) => endsAgent !== true)) {
    outcomes.push(await shared.run(attempt));
  }
  for (const attempt of attempts.filter(({ endsAgent }) => endsAgent === true)) {
    await using own = open();
    outcomes.push(await own.run(attempt));
  }
  return outcomes;
}
