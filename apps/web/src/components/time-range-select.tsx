import { RANGES, rangeOf, startOf } from '@/lib/time-range.ts';
import { FilterSelect } from './filter-bar.tsx';

interface TimeRangeSelectProps {
  /** ISO 8601; empty for all time. */
  from: string;
  set: (changes: Record<string, string | null>) => void;
}

/** Since when; sets `from` and `to` of the address. */
export function TimeRangeSelect({ from, set }: TimeRangeSelectProps) {
  const custom: [string, string][] =
    from === '' ? [] : [['custom', `Since ${from.slice(0, 16).replace('T', ' ')} UTC`]];
  return (
    <FilterSelect
      label="Time range"
      value={rangeOf(from, Date.now())}
      options={[...RANGES.map(({ value, label }) => [value, label] as const), ...custom]}
      onChange={(value) => set({ from: startOf(value, Date.now()), to: null })}
    />
  );
}
