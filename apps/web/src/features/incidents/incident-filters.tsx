'use client';

import { FilterBar, FilterChip, FilterSelect } from '@/components/filter-bar.tsx';
import { TimeRangeSelect } from '@/components/time-range-select.tsx';
import { shortenId } from '@/lib/format/format.ts';
import { SEVERITIES } from '@/lib/severities.ts';
import type { PageFilter } from './incident-filter.ts';
import { CLASSES, classWord, OUTCOME_WORDS, STATUS_WORDS } from './words.ts';

interface IncidentFiltersProps {
  filter: PageFilter;
  set: (changes: Record<string, string | null>) => void;
}

export function IncidentFilters({ filter, set }: IncidentFiltersProps) {
  // A link may name a class that this page does not know.
  const classes = [...new Set([...CLASSES, ...(filter.class === '' ? [] : [filter.class])])];
  return (
    <FilterBar>
      <FilterSelect
        label="Status"
        className="w-40"
        value={filter.status || 'active'}
        options={[['active', 'Not closed'], ...Object.entries(STATUS_WORDS), ['all', 'All']]}
        onChange={(status) => set({ status: status === 'active' ? null : status })}
      />
      <FilterSelect
        label="Class of data"
        className="w-40"
        value={filter.class}
        options={[['', 'Any data'], ...classes.map((name) => [name, classWord(name)] as const)]}
        onChange={(name) => set({ class: name })}
      />
      <FilterSelect
        label="Outcome"
        value={filter.outcome}
        options={[['', 'Any outcome'], ...Object.entries(OUTCOME_WORDS)]}
        onChange={(outcome) => set({ outcome })}
      />
      <FilterSelect
        label="Severity"
        value={filter.severity}
        options={SEVERITIES}
        onChange={(severity) => set({ severity })}
      />
      <TimeRangeSelect from={filter.from} set={set} />
      <FilterChip name="Host" value={filter.host} onRemove={() => set({ host: null })} />
      <FilterChip name="Device" value={shortenId(filter.device)} onRemove={() => set({ device: null })} />
      <FilterChip name="AI agent" value={shortenId(filter.agent)} onRemove={() => set({ agent: null })} />
    </FilterBar>
  );
}
