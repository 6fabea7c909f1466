'use client';

import { useQuery } from '@tanstack/react-query';
import { Timer } from 'lucide-react';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { plural } from '@/lib/format/format.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { RetentionDialog } from './retention-dialog.tsx';

/** Says how long masked samples are kept, and lets administrators change it. */
export function RetentionButton() {
  const me = useMe();
  const [asking, setAsking] = useState(false);
  const { data } = useQuery({
    queryKey: keys.retention,
    queryFn: api.retention,
    enabled: me.permissions.includes('settings:read'),
  });
  if (data === undefined) return null;
  return (
    <>
      <GuardedButton needs="settings:manage" onClick={() => setAsking(true)}>
        <Timer /> Samples: {plural(data.days, 'day')}
      </GuardedButton>
      {asking && <RetentionDialog days={data.days} onClose={() => setAsking(false)} />}
    </>
  );
}
