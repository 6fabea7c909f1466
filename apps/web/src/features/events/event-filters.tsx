'use client';

import { EventQuery } from '@raypher/shared/rest';
import { X } from 'lucide-react';
import { FilterBar, SearchBox } from '@/components/filter-bar.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Select } from '@/components/ui/input.tsx';
import { shortenId } from '@/lib/format/format.ts';
import type { EventFilter } from './event-filter.ts';
import { RANGES, rangeOf, startOf } from './time-range.ts';

const TYPES = EventQuery.shape.type.unwrap().options;

interface EventFiltersProps {
  filter: EventFilter;
  set: (changes: Record<string, string | null>) => void;
}

export function EventFilters({ filter, set }: EventFiltersProps) {
  return (
    <FilterBar>
      <SearchBox label="Search events" value={filter.search} onChange={(q) => set({ q })} />
      <Select
        aria-label="Outcome"
        className="w-36"
        value={filter.outcome ?? ''}
        onChange={(event) => set({ outcome: event.target.value })}
      >
        <option value="">Any outcome</option>
        <option value="ALLOW">Allowed</option>
        <option value="DENY">Denied</option>
        <option value="PROMPT">Prompted</option>
      </Select>
      <Select
        aria-label="Type"
        className="w-44"
        value={filter.type ?? ''}
        onChange={(event) => set({ type: event.target.value })}
      >
        <option value="">Any type</option>
        {TYPES.map((type) => (
          <option key={type} value={type}>
            {type}
          </option>
        ))}
      </Select>
      <Select
        aria-label="Severity"
        className="w-36"
        value={filter.severity ?? ''}
        onChange={(event) => set({ severity: event.target.value })}
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
        onChange={(event) => set({ from: startOf(event.target.value, Date.now()), to: null })}
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
      {filter.device !== '' && (
        <Chip text={`Device ${shortenId(filter.device)}`} onRemove={() => set({ device: null })} />
      )}
      {filter.agent !== '' && (
        <Chip text={`AI agent ${shortenId(filter.agent)}`} onRemove={() => set({ agent: null })} />
      )}
      {filter.provider !== '' && (
        <Chip text={`Provider ${filter.provider}`} onRemove={() => set({ provider: null })} />
      )}
      {filter.model !== '' && <Chip text={`Model ${filter.model}`} onRemove={() => set({ model: null })} />}
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
