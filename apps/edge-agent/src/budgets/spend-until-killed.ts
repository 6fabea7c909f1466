import { openDatabase } from '../store/database.ts';
import { Budgets } from './budgets.ts';

/**
 * The child process of the crash and concurrency tests: reserves ten micro-dollars and settles seven, over and over,
 * telling of each step that was acknowledged, until it is killed or refused.
 */
const { db } = openDatabase(process.argv[2] ?? '');
const budgets = new Budgets(db, [
  { id: 'shared', scope: 'all', window: 'month', limitMicros: Number(process.argv[3]) },
  { id: 'each', scope: 'agent', window: 'month', limitMicros: Number.MAX_SAFE_INTEGER },
]);
for (;;) {
  const answer = budgets.reserve({ agent: 'bot' }, 10);
  if (!answer.allowed) break;
  process.stdout.write('reserved 10\n');
  budgets.settle(answer.id, 7);
  process.stdout.write('settled 7\n');
}
