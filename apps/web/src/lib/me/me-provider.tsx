'use client';

import type { Me, Permission } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect } from 'react';
import { api } from '../api/client.ts';
import { ApiError } from '../api/error.ts';
import { keys } from '../api/keys.ts';
import { whyNot } from './permission.ts';

const MeContext = createContext<Me | null>(null);

/** Who is signed in; starts with what the server rendered and notices when the session ends. */
export function MeProvider({ initial, children }: { initial: Me; children: ReactNode }) {
  const { data, error } = useQuery({
    queryKey: keys.me,
    queryFn: api.me,
    initialData: initial,
    refetchInterval: 60_000,
  });
  const signedOut = error instanceof ApiError && error.status === 401;
  useEffect(() => {
    if (!signedOut) return;
    // A full load: nothing of the ended session stays in memory.
    window.location.assign(
      `/sign-in?next=${encodeURIComponent(window.location.pathname + window.location.search)}`,
    );
  }, [signedOut]);
  return <MeContext value={data}>{children}</MeContext>;
}

export function useMe(): Me {
  const me = useContext(MeContext);
  if (me === null) throw new Error('useMe needs MeProvider above it');
  return me;
}

/** Why the signed-in person may not do this; undefined when they may. */
export function useWhyNot(permission: Permission): string | undefined {
  return whyNot(useMe(), permission);
}
