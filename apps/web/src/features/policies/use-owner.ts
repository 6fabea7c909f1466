'use client';

import { useQuery } from '@tanstack/react-query';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { useUrlState } from '@/lib/use-url-state.ts';
import { GLOBAL } from './draft.ts';

/** Whose document is looked at, which the URL says, and whose there could be. */
export function useOwner() {
  const url = useUrlState();
  const me = useMe();
  const teams = useQuery({
    queryKey: keys.teams,
    queryFn: api.teams,
    enabled: me.permissions.includes('teams:read'),
  });
  const items = teams.data?.items ?? [];
  const wanted = url.get('layer');
  const team = items.find(({ id }) => id === wanted);
  return {
    owner: team?.id ?? GLOBAL,
    team,
    teams: items,
    choose: (next: string) => url.set({ layer: next === GLOBAL ? null : next }),
    /** For people. */
    nameOf: (owner: string) =>
      owner === GLOBAL ? 'Global policy' : `Team ${items.find(({ id }) => id === owner)?.name ?? owner}`,
  };
}
