'use client';

import type { Freeze } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { Snowflake, Sun } from 'lucide-react';
import { useState } from 'react';
import { Badge } from '@/components/badge.tsx';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Time } from '@/components/time.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { RolloutProgress } from '@/components/wide/rollout-progress.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { ThawDialog } from './thaw-dialog.tsx';

/** One freeze in force, with live counts of devices and processes. */
export function ActiveFreeze({ freeze }: { freeze: Freeze }) {
  const [thawing, setThawing] = useState(false);
  return (
    <li aria-label={`Freeze of ${freeze.describes}`} className="grid gap-3 px-4 py-4">
      <div className="flex flex-wrap items-start gap-3">
        <div className="min-w-0 flex-1">
          <p className="flex flex-wrap items-center gap-2 text-base font-semibold">
            <Badge tone="frozen" icon={Snowflake}>
              Frozen
            </Badge>
            {freeze.describes}
          </p>
          <p className="mt-1 text-ink-2">{freeze.reason}</p>
          <p className="mt-0.5 text-xs text-ink-3">
            {freeze.createdBy}, <Time at={freeze.createdAt} />
          </p>
        </div>
        <GuardedButton
          needs="freezes:manage"
          aria-label={`Thaw ${freeze.describes}`}
          onClick={() => setThawing(true)}
        >
          <Sun /> Thaw
        </GuardedButton>
      </div>
      {freeze.rolloutId !== null && <FreezeProgress rolloutId={freeze.rolloutId} />}
      {thawing && <ThawDialog freeze={freeze} onClose={() => setThawing(false)} />}
    </li>
  );
}

function FreezeProgress({ rolloutId }: { rolloutId: string }) {
  const { data } = useQuery({ queryKey: keys.rollout(rolloutId), queryFn: () => api.rollout(rolloutId) });
  return data === undefined ? <SkeletonRows rows={2} /> : <RolloutProgress key={rolloutId} initial={data} />;
}
