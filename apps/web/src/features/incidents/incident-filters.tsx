'use client';

import { X } from 'lucide-react';
import { FilterBar } from '@/components/filter-bar.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Select } from '@/components/ui/input.tsx';
import { RANGES, rangeOf, startOf } from '@/features/events/time-range.ts';
import { shortenId } from '@/lib/format/format.ts';
import type { PageFilter } from './incident-filter.ts';
import { CLASSES, classWord, OUTCOME_WORDS, STATUS_WORDS } from './words.ts';

interface IncidentFiltersProps {
  filter: PageFilter;
  set: (changes: Record<string, string | null>) => void;
}

export function IncidentFilters({ filter, set }: IncidentFiltersProps) {
  return (
    <FilterBar>
      <Select
        aria-label="Status"
        className="w-40"
        value={filter.status || 'active'}
        onChange={({ target }) => set({ status: target.value === 'active' ? null : target.value })}
      >
        <option value="active">Not closed</option>
        {Object.entries(STATUS_WORDS).map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
        <option value="all">All</option>
      </Select>
      <Select
        aria-label="Class of data"
        className="w-40"
        value={filter.class}
        onChange={({ target }) => set({ class: target.value })}
      >
        <option value="">Any data</option>
        {[...new Set([...CLASSES, ...(filter.class === '' ? [] : [filter.class])])].map((name) => (
          <option key={name} value={name}>
            {classWord(name)}
          </option>
        ))}
      </Select>
      <Select
        aria-label="Outcome"
        className="w-36"
        value={filter.outcome}
        onChange={({ target }) => set({ outcome: target.value })}
      >
        <option value="">Any outcome</option>
        {Object.entries(OUTCOME_WORDS).map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </Select>
      <Select
        aria-label="Severity"
        className="w-36"
        value={filter.severity}
        onChange={({ target }) => set({ severity: target.value })}
      >
        <option value="">Any severity</option>
        <option value="info">Info</option>
        <option value="notice">Notice</option>
        <option value="warning">Warning</option>
        <option value="critical">Critical</option>
      </Select>
      <Select
        aria-label="Time range"
        className="w-36"
        value={rangeOf(filter.from, Date.now())}
        onChange={({ target }) => set({ from: startOf(target.value, Date.now()), to: null })}
      >
        {RANGES.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
        {filter.from !== '' && (
          <option value="custom">Since {filter.from.slice(0, 16).replace('T', ' ')} UTC</option>
        )}
      </Select>
      {filter.host !== '' && <Chip text={`Host ${filter.host}`} onRemove={() => set({ host: null })} />}
      {filter.device !== '' && (
        <Chip text={`Device ${shortenId(filter.device)}`} onRemove={() => set({ device: null })} />
      )}
      {filter.agent !== '' && (
        <Chip text={`AI agent ${shortenId(filter.agent)}`} onRemove={() => set({ agent: null })} />
      )}
    </FilterBar>
  );
}

function Chip({ text, onRemove }: { text: string; onRemove: () => void }) {
  return (
    <Button size="md" onClick={onRemove} aria-label={`Remove filter: ${text}`} className="bg-raised">
      {text} <X />
    </Button>
  );
}
