'use client';

import { usePathname, useSearchParams } from 'next/navigation';
import { useCallback } from 'react';

/** Filters, time range and live or paused live in the URL: a link shows what its sender saw. */
export function useUrlState() {
  const parameters = useSearchParams();
  const path = usePathname();
  const set = useCallback(
    (changes: Record<string, string | null>) => {
      const next = new URLSearchParams(window.location.search);
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === '') next.delete(name);
        else next.set(name, value);
      }
      const query = next.toString();
      // The router follows history; nothing is fetched from the server for a filter.
      window.history.replaceState(null, '', query === '' ? path : `${path}?${query}`);
    },
    [path],
  );
  return { get: (name: string) => parameters.get(name) ?? '', set };
}

/** One of a fixed set of words out of the URL; anything else counts as absent. */
export function oneOf<T extends string>(value: string, allowed: readonly T[]): T | undefined {
  return allowed.find((word) => word === value);
}
