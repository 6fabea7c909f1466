'use client';

import { Hourglass } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { useNow } from '@/lib/use-now.ts';
import { countdown, secondsLeft } from './approval-words.ts';

/** Below this many seconds the rest of the time is urgent. */
const URGENT = 30;

/** How long an answer can still come in time. Not announced each second: it is read when somebody looks. */
export function Countdown({ expiresAt }: { expiresAt: string }) {
  const now = useNow();
  // The server does not know the viewer's clock.
  if (now === 0) return null;
  const left = secondsLeft(expiresAt, now);
  if (left === 0) return <Badge tone="unknown">Time is over</Badge>;
  return (
    <Badge tone={left <= URGENT ? 'denied' : 'prompted'} icon={Hourglass} className="tabular-nums">
      {countdown(left)} left
    </Badge>
  );
}
