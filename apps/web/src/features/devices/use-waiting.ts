'use client';

import type { Device } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { useMe } from '@/lib/me/me-provider.tsx';

const SHOWN = 5;

export interface WaitingDevices {
  total: number;
  first: Device[];
}

/** Devices that cannot connect before a person decides; undefined while it is not known. */
export function useWaiting(state: 'pending' | 'paused'): WaitingDevices | undefined {
  const me = useMe();
  const filter = { state, limit: SHOWN };
  const { data } = useQuery({
    queryKey: keys.devices(filter),
    queryFn: () => api.devices(filter),
    enabled: me.permissions.includes('devices:read'),
  });
  return data && { total: data.total ?? data.items.length, first: data.items };
}
