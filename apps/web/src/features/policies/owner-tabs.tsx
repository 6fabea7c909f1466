'use client';

import type { Team } from '@raypher/shared/rest';
import { cn } from '@/lib/cn.ts';
import { type Draft, GLOBAL } from './draft.ts';

interface OwnerTabsProps {
  owner: string;
  teams: Team[];
  /** What there is, by owner. */
  sources: Draft;
  changed: readonly string[];
  onChange: (owner: string) => void;
}

/** Whose policy is edited: everybody's, or one team's. */
export function OwnerTabs({ owner, teams, sources, changed, onChange }: OwnerTabsProps) {
  const owners = [{ id: GLOBAL, name: 'Global' }, ...teams];
  return (
    <fieldset
      aria-label="Policy layer"
      className="flex gap-1 overflow-x-auto border-x border-b bg-surface px-2 py-1.5 xl:col-span-2"
    >
      {owners.map(({ id, name }) => {
        const exists = (sources[id] ?? '') !== '';
        return (
          <button
            key={id}
            type="button"
            aria-pressed={id === owner}
            onClick={() => onChange(id)}
            className={cn(
              'flex h-7 items-center gap-1.5 rounded-md px-2.5 text-xs font-medium whitespace-nowrap text-ink-2 hover:bg-hover hover:text-ink',
              id === owner && 'bg-raised text-ink',
              !exists && 'text-ink-3',
            )}
          >
            {name}
            {changed.includes(id) && (
              <span className="text-accent" title="edited">
                •<span className="sr-only"> edited</span>
              </span>
            )}
            {!exists && id !== GLOBAL && <span className="font-normal">none</span>}
          </button>
        );
      })}
    </fieldset>
  );
}
