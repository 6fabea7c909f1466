import type { LedgerStatus } from '@raypher/shared/rest';
import type { ReactNode } from 'react';
import { Time } from '@/components/time.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { cn } from '@/lib/cn.ts';
import { formatCount, plural } from '@/lib/format/format.ts';
import { recordStanding, STANDINGS } from './record-standing.ts';

interface Cell {
  name: string;
  value: (status: LedgerStatus) => ReactNode;
  note: (status: LedgerStatus) => ReactNode;
  tone?: (status: LedgerStatus) => string;
}

const CELLS: Cell[] = [
  {
    name: 'State',
    value: (status) => STANDINGS[recordStanding(status)].name,
    note: ({ faults, audit }) => {
      if (faults !== null) return plural(faults.count, 'fault');
      return audit.at === null ? 'nothing was looked at so far' : 'as last audited';
    },
    tone: (status) => STANDINGS[recordStanding(status)].tone,
  },
  {
    name: 'Entries',
    value: ({ size }) => formatCount(size),
    note: ({ waiting }) =>
      waiting === 0
        ? 'each has its place'
        : `${formatCount(waiting)} more ${waiting === 1 ? 'gets its' : 'get their'} place now`,
  },
  {
    name: 'Last checkpoint',
    value: ({ checkpoint }) => (checkpoint === null ? '–' : <Time at={checkpoint.at} />),
    note: ({ checkpoint }) =>
      checkpoint === null
        ? 'signed a few seconds after the first entry'
        : `over ${formatCount(checkpoint.size)}`,
  },
  {
    name: 'Seen by others',
    value: (status) => {
      const seen = Math.max(status.anchoredUntil, status.followedUntil ?? 0);
      return seen === 0 ? 'None' : `${formatCount(seen)} of ${formatCount(status.size)}`;
    },
    note: ({ witnesses, followedUntil }) => {
      const names = witnesses.map(({ name }) => name);
      const seers = (followedUntil ?? 0) > 0 ? ['your devices', ...names] : names;
      return seers.length === 0 ? 'no device has, no witness is configured' : seers.join(', ');
    },
  },
  {
    name: 'Audited completely',
    value: ({ audit }) => (audit.completedAt === null ? 'Not yet' : <Time at={audit.completedAt} />),
    note: ({ audit }) =>
      audit.at === null ? (
        'once a day'
      ) : (
        <>
          new entries <Time at={audit.at} />
        </>
      ),
  },
];

/** Whether the record is intact, and who else could tell. */
export function IntegrityStrip({ status }: { status: LedgerStatus | undefined }) {
  return (
    <dl
      aria-label="Integrity"
      className="mt-3 grid grid-cols-2 gap-px overflow-hidden rounded-lg border bg-line md:grid-cols-5"
    >
      {CELLS.map(({ name, value, note, tone }) => (
        <div key={name} className="bg-surface px-4 py-2.5 last:col-span-2 md:last:col-span-1">
          <dt className="text-xs text-ink-2">{name}</dt>
          <dd>
            <span className={cn('block text-lg font-semibold', status !== undefined && tone?.(status))}>
              {status === undefined ? <Skeleton className="my-1.5 w-20" /> : value(status)}
            </span>
            <span className="block min-h-4 truncate text-xs text-ink-3">
              {status === undefined ? '' : note(status)}
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
