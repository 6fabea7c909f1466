'use client';

import { formatAge } from '@/lib/format/format.ts';
import { formatClock, formatDateTime, formatUtc } from '@/lib/format/time.ts';
import { useNow } from '@/lib/use-now.ts';

interface TimeProps {
  at: string;
  /** `age`: "3 min ago"; `clock`: time of day; `full`: date and time. */
  as?: 'age' | 'clock' | 'full';
}

/** A moment in the viewer's zone; UTC on hover. */
export function Time({ at, as = 'age' }: TimeProps) {
  const now = useNow(as === 'age' ? 5_000 : 60_000);
  const date = new Date(at);
  return (
    <time
      dateTime={at}
      title={`${now === 0 ? '' : `${formatDateTime(date)} · `}${formatUtc(date)}`}
      className="whitespace-nowrap"
    >
      {/* The server does not know the viewer's zone: the text appears with the first client render. */}
      {now === 0 ? '' : textOf(date, as, now)}
    </time>
  );
}

function textOf(date: Date, as: NonNullable<TimeProps['as']>, now: number): string {
  switch (as) {
    case 'age':
      return formatAge(date.getTime(), now);
    case 'clock':
      return formatClock(date);
    case 'full':
      return formatDateTime(date);
  }
}
