'use client';

import { cn } from '@/lib/cn.ts';
import { describeConnection } from '@/lib/live/connection-state.ts';
import { useConnection } from '@/lib/live/live-provider.tsx';
import { useNow } from '@/lib/use-now.ts';
import { Tooltip } from '../ui/tooltip.tsx';

const DOTS = { allowed: 'bg-allowed', prompted: 'bg-prompted', denied: 'bg-denied' };

/** Whether what is on screen is the present: live, reconnecting, or stale for so many seconds. */
export function LiveIndicator() {
  const connection = useConnection();
  const now = useNow();
  const label = describeConnection(connection, now);
  return (
    <Tooltip text={label.sentence} side="bottom">
      <button
        type="button"
        aria-label={`Live connection: ${label.text}`}
        className="inline-flex h-7 items-center gap-2 rounded-md border px-2 text-xs font-medium text-ink-2"
      >
        <span aria-hidden="true" className={cn('size-1.5 rounded-full', DOTS[label.tone])} />
        {label.text}
      </button>
    </Tooltip>
  );
}
