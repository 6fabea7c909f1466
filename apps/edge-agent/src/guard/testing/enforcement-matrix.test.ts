import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { AttemptOutcome } from './attempt-runner.ts';
import { ATTEMPTS } from './attempts.ts';
import { MATRIX_COLUMNS, renderMatrix } from './enforcement-matrix.ts';

const DOCUMENT = new URL('../../../../../docs/enforcement-matrix.md', import.meta.url);

/** RAYPHER_WRITE_OUTCOMES=1 writes it anew. */
test('docs/enforcement-matrix.md says what the recorded outcomes say', () => {
  const columns = MATRIX_COLUMNS.map(({ file, title }) => {
    const path = new URL(`./outcomes/${file}.json`, import.meta.url);
    // What is there is what the tests of that tier wrote.
    const outcomes = existsSync(path)
      ? (JSON.parse(readFileSync(path, 'utf8')) as AttemptOutcome[])
      : undefined;
    return { file, title, outcomes };
  });
  const rendered = renderMatrix(ATTEMPTS, columns);
  if (process.env.RAYPHER_WRITE_OUTCOMES === '1') writeFileSync(DOCUMENT, rendered);
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(rendered);
});
