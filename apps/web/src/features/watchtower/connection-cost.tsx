import type { ConnectionView } from '@raypher/shared/rest';
import { formatMoney } from '../spend/money.ts';

/** What it has cost so far; nothing where nobody knows, which is not zero. */
export function ConnectionCost({ row }: { row: Pick<ConnectionView, 'costMicros' | 'costEstimated'> }) {
  if (row.costMicros === null) {
    return (
      <span className="text-ink-3" title="What this costs is not known">
        –
      </span>
    );
  }
  return (
    <span className="whitespace-nowrap">
      {formatMoney(row.costMicros)}
      {row.costEstimated && (
        <abbr
          title="estimated: reckoned high until the provider says what was used"
          className="ml-1 text-xs text-ink-3 no-underline"
        >
          est.
        </abbr>
      )}
    </span>
  );
}
