'use client';

import type { Approval } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';

const SHOWN = 200;

/** Questions that people can still answer, the one that ends first on top; kept up to date by live messages. */
export function usePendingApprovals() {
  const me = useMe();
  return useQuery({
    queryKey: keys.approvals({ state: 'pending' }),
    queryFn: () => api.approvals({ state: 'pending', limit: SHOWN }),
    enabled: me.permissions.includes('approvals:read'),
    select: ({ items }): Approval[] =>
      items.toSorted((one, other) => (one.expiresAt < other.expiresAt ? -1 : 1)),
  });
}
