'use client';

import { EventQuery } from '@raypher/shared/rest';
import { FilterBar, FilterChip, FilterSelect, SearchBox } from '@/components/filter-bar.tsx';
import { TimeRangeSelect } from '@/components/time-range-select.tsx';
import { shortenId } from '@/lib/format/format.ts';
import { recordWords } from '@/lib/record-words.ts';
import { SEVERITIES } from '@/lib/severities.ts';
import type { EventFilter } from './event-filter.ts';

const TYPES = EventQuery.shape.type
  .unwrap()
  .options.map((type) => [type, recordWords(type)] as const)
  .sort(([, a], [, b]) => a.localeCompare(b));
const OUTCOMES = [
  ['', 'Any outcome'],
  ['ALLOW', 'Allowed'],
  ['DENY', 'Denied'],
  ['PROMPT', 'Prompted'],
] as const;

interface EventFiltersProps {
  filter: EventFilter;
  set: (changes: Record<string, string | null>) => void;
}

export function EventFilters({ filter, set }: EventFiltersProps) {
  return (
    <FilterBar>
      <SearchBox label="Search events" value={filter.search} onChange={(q) => set({ q })} />
      <FilterSelect
        label="Outcome"
        value={filter.outcome ?? ''}
        options={OUTCOMES}
        onChange={(outcome) => set({ outcome })}
      />
      <FilterSelect
        label="Type"
        className="w-44"
        value={filter.type ?? ''}
        options={[['', 'Any type'], ...TYPES]}
        onChange={(type) => set({ type })}
      />
      <FilterSelect
        label="Severity"
        value={filter.severity ?? ''}
        options={SEVERITIES}
        onChange={(severity) => set({ severity })}
      />
      <TimeRangeSelect from={filter.from} set={set} />
      <FilterChip name="Device" value={shortenId(filter.device)} onRemove={() => set({ device: null })} />
      <FilterChip name="AI agent" value={shortenId(filter.agent)} onRemove={() => set({ agent: null })} />
      <FilterChip name="Provider" value={filter.provider} onRemove={() => set({ provider: null })} />
      <FilterChip name="Model" value={filter.model} onRemove={() => set({ model: null })} />
    </FilterBar>
  );
}
