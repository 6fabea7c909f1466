import { formatCount, plural } from '@/lib/format/format.ts';
import type { Money } from './money.ts';

interface Sums {
  exactMicros: number;
  estimatedMicros: number;
  unknownCalls: number;
}

/** All that is known, with what part of it is estimated, and what is not known beside it: never in it. */
export function MoneyCell({ sums, money }: { sums: Sums; money: Money }) {
  const { exactMicros, estimatedMicros, unknownCalls } = sums;
  const isKnown = exactMicros + estimatedMicros > 0 || unknownCalls === 0;
  return (
    <span className="whitespace-nowrap">
      {isKnown && money(exactMicros + estimatedMicros)}
      {estimatedMicros > 0 && (
        <span
          className="ml-1 text-xs text-ink-3"
          title={`${money(estimatedMicros)} of it is estimated, reckoned high`}
        >
          {exactMicros === 0 ? 'estimated' : 'part estimated'}
        </span>
      )}
      {unknownCalls > 0 && (
        <span
          className="ml-1 text-xs text-unknown"
          title={`What ${plural(unknownCalls, 'call')} cost is not known`}
        >
          {isKnown ? `+ ${formatCount(unknownCalls)} unknown` : 'unknown'}
        </span>
      )}
    </span>
  );
}
