import { X } from 'lucide-react';
import { FilterBar, SearchBox } from '@/components/filter-bar.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Select } from '@/components/ui/input.tsx';
import { shortenId } from '@/lib/format/format.ts';
import type { ConnectionFilter } from './connection-filter.ts';

interface ConnectionFiltersProps {
  filter: ConnectionFilter;
  set: (changes: Record<string, string | null>) => void;
}

export function ConnectionFilters({ filter, set }: ConnectionFiltersProps) {
  return (
    <FilterBar>
      <SearchBox label="Search connections" value={filter.search} onChange={(q) => set({ q })} />
      <Select
        aria-label="Verdict"
        className="w-36"
        value={filter.outcome ?? ''}
        onChange={(event) => set({ outcome: event.target.value })}
      >
        <option value="">Every verdict</option>
        <option value="ALLOW">Allowed</option>
        <option value="PROMPT">Waiting</option>
        <option value="DENY">Would deny</option>
      </Select>
      <Select
        aria-label="Order"
        className="w-36"
        value={filter.sort}
        onChange={(event) => set({ sort: event.target.value === 'newest' ? null : event.target.value })}
      >
        <option value="newest">Newest first</option>
        <option value="cost">Most cost first</option>
        <option value="bytes">Most bytes first</option>
      </Select>
      {filter.device !== '' && (
        <Chip
          text={`Device ${shortenId(filter.device)}`}
          onRemove={() => set({ device: null, agent: null })}
        />
      )}
      {filter.agent !== '' && (
        <Chip text={`AI agent ${shortenId(filter.agent)}`} onRemove={() => set({ agent: null })} />
      )}
      {filter.provider !== '' && (
        <Chip text={`Provider ${filter.provider}`} onRemove={() => set({ provider: null })} />
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
