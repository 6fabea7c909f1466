import { CircleHelp } from 'lucide-react';
import { type Misread, misreadInWords } from '@/lib/misread.ts';
import { Button } from './ui/button.tsx';

interface MisreadFiltersProps {
  filters: readonly Misread[];
  set: (changes: Record<string, null>) => void;
}

/** Stands where the list would be: a list that ignores a filter is worse than none. */
export function MisreadFilters({ filters, set }: MisreadFiltersProps) {
  const one = filters.length === 1;
  return (
    <section
      role="alert"
      className="mx-auto flex max-w-lg flex-col items-center gap-3 px-6 py-12 text-center"
    >
      <CircleHelp aria-hidden="true" className="size-5 text-prompted" />
      <h2 className="text-base font-semibold">
        {one ? 'A filter' : 'Filters'} of this address cannot be read
      </h2>
      <ul className="grid gap-1 text-ink-2">
        {filters.map((filter) => (
          <li key={filter.name} className="break-words">
            {misreadInWords(filter)}
          </li>
        ))}
      </ul>
      <p className="text-ink-2">
        No list is shown: without {one ? 'this filter' : 'these filters'} it would hold more than the address
        asks for.
      </p>
      <Button onClick={() => set(Object.fromEntries(filters.map(({ name }) => [name, null])))}>
        Clear {one ? 'this filter' : 'these filters'}
      </Button>
    </section>
  );
}
