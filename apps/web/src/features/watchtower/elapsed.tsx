'use client';

import { formatDuration } from '@/lib/format/format.ts';
import { formatUtc } from '@/lib/format/time.ts';
import { useNow } from '@/lib/use-now.ts';

/** How long something lasts already, or lasted. */
export function Elapsed({ since, until }: { since: string; until?: number | undefined }) {
  const now = useNow();
  const from = new Date(since);
  return (
    <time dateTime={since} title={formatUtc(from)} className="whitespace-nowrap">
      {now === 0 ? '' : lasting((until ?? now) - from.getTime())}
    </time>
  );
}

function lasting(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1_000);
}
