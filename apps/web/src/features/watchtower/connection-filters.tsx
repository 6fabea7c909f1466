import { FilterBar, FilterChip, FilterSelect, SearchBox } from '@/components/filter-bar.tsx';
import { shortenId } from '@/lib/format/format.ts';
import type { ConnectionFilter } from './connection-filter.ts';

const VERDICTS = [
  ['', 'Every verdict'],
  ['ALLOW', 'Allowed'],
  ['PROMPT', 'Waiting'],
  ['DENY', 'Would deny'],
] as const;
const ORDERS = [
  ['newest', 'Newest first'],
  ['cost', 'Most cost first'],
  ['bytes', 'Most bytes first'],
] as const;

interface ConnectionFiltersProps {
  filter: ConnectionFilter;
  set: (changes: Record<string, string | null>) => void;
}

export function ConnectionFilters({ filter, set }: ConnectionFiltersProps) {
  return (
    <FilterBar>
      <SearchBox label="Search connections" value={filter.search} onChange={(q) => set({ q })} />
      <FilterSelect
        label="Verdict"
        value={filter.outcome ?? ''}
        options={VERDICTS}
        onChange={(outcome) => set({ outcome })}
      />
      <FilterSelect
        label="Order"
        value={filter.sort}
        options={ORDERS}
        onChange={(sort) => set({ sort: sort === 'newest' ? null : sort })}
      />
      <FilterChip
        name="Device"
        value={shortenId(filter.device)}
        onRemove={() => set({ device: null, agent: null })}
      />
      <FilterChip name="AI agent" value={shortenId(filter.agent)} onRemove={() => set({ agent: null })} />
      <FilterChip name="Provider" value={filter.provider} onRemove={() => set({ provider: null })} />
    </FilterBar>
  );
}
