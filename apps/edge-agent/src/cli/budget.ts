import { Command } from 'commander';
import { z } from 'zod';
import { BudgetStatus } from '../service/budget-status.ts';
import { askService } from './control-client.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { print, table } from './output.ts';

export const budgetCommand = withJson(withGlobalOptions(new Command('budget')))
  .addHelpText(
    'after',
    `
USED is what this device has spent in the running period; RESERVED is held for calls that are under way. A limit that
other devices spend of too is lent in shares: LENT is all that this device may spend of it in this period, alone and
also while the control plane is out of reach, and UNTIL when that ends unless it is renewed.

Examples:
  raypher budget
  raypher budget --json | jq '.[] | select(.shared)'

Exit codes: 0 done, 7 the service is not running.`,
  )
  .action(async (options: GlobalOptions) => {
    const { paths } = resolve(options);
    const limits = z.array(BudgetStatus).parse(await askService(paths.control, { verb: 'budget' }));
    print(limits, options.json === true, () => describe(limits));
  });

function describe(limits: readonly BudgetStatus[]): readonly string[] {
  if (limits.length === 0) return ['No policy in force here limits spending.'];
  const head = ['LIMIT', 'LAYER', 'MODE', 'AMOUNT', 'OF', 'USED', 'RESERVED', 'LENT', 'UNTIL', 'RESETS'];
  return table(head, limits.flatMap(rows));
}

function rows(limit: BudgetStatus): string[][] {
  const { id, layer, mode, amountMicros, per, scope, counters, shared, resetsAt } = limit;
  const begin = [id, layer, mode, `${dollars(amountMicros)} per ${per}`];
  if (per === 'request') return [[...begin, 'each call', '', '', '', '', '']];
  const end = resetsAt ?? '';
  if (counters.length === 0) {
    return [[...begin, scope, dollars(0), dollars(0), shared ? 'nothing yet' : '', '', end]];
  }
  return counters.map(({ subject, spentMicros, reservedMicros, lease }) => [
    ...begin,
    subject === null ? scope : `${scope} ${subject.length > 24 ? `${subject.slice(0, 12)}…` : subject}`,
    dollars(spentMicros),
    dollars(reservedMicros),
    lease === null ? (shared ? 'nothing yet' : '') : dollars(lease.grantedMicros),
    lease?.until ?? '',
    end,
  ]);
}

/** As many digits as are needed to be exact, two at least. */
function dollars(micros: number): string {
  const [whole = '0', fraction = ''] = (micros / 1e6).toFixed(6).split('.');
  return `$${whole}.${fraction.replace(/0{1,4}$/, '')}`;
}
