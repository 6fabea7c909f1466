import { writeSync } from 'node:fs';
import { openDatabase } from '../store/database.ts';
import { Pipeline, snapshotOf } from './pipeline.test-support.ts';

/**
 * The child process of the crash tests: holds ten micro-dollars and settles seven, over and over, telling of each step
 * that was acknowledged, until it is killed or refused. It tells by `writeSync`, which waits for a parent that is slow to
 * read; `process.stdout` would keep what does not fit for a turn of the event loop, and this loop leaves it none.
 */
const STDOUT = 1;
const { db } = openDatabase(process.argv[2] ?? '');
const snapshot = snapshotOf([
  { id: 'shared', per: 'month', micros: Number(process.argv[3]) },
  { id: 'each', scope: 'agent', per: 'month', micros: 1e12 },
]);
const now = Number(process.argv[4]);
const pipeline = new Pipeline(db, snapshot, { clock: () => now });
for (;;) {
  const { hold } = pipeline.ask(10);
  if (hold === undefined) break;
  writeSync(STDOUT, 'reserved 10\n');
  hold.settle(7);
  writeSync(STDOUT, 'settled 7\n');
}
