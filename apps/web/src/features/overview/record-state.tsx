'use client';

import { useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleHelp, Link2, ShieldAlert } from 'lucide-react';
import Link from 'next/link';
import { Badge } from '@/components/badge.tsx';
import { Time } from '@/components/time.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { type RecordStanding, recordStanding, STANDINGS } from '@/features/ledger/record-standing.ts';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount } from '@/lib/format/format.ts';

/** Whether the record is intact, when it was signed last, and how much of it others have seen. */
export function RecordState() {
  const { data } = useQuery({ queryKey: keys.ledger, queryFn: api.ledger, refetchInterval: 15_000 });
  return (
    <li className="bg-surface">
      <Link href="/ledger" className="block px-4 py-3 -outline-offset-2 hover:bg-hover">
        <span className="flex items-center gap-1.5 text-xs text-ink-2">
          <Link2 aria-hidden="true" className="size-3.5 text-ink-3" />
          Record
        </span>
        <span className="mt-1 flex h-8 items-center">
          {data === undefined ? <Skeleton className="w-16" /> : <Standing standing={recordStanding(data)} />}
        </span>
        <span className="block min-h-4 truncate text-xs text-ink-3">
          {data?.checkpoint != null && (
            <>
              signed <Time at={data.checkpoint.at} />
              {data.anchoredUntil > 0 && ` · witnessed to ${formatCount(data.anchoredUntil)}`}
            </>
          )}
        </span>
      </Link>
    </li>
  );
}

const LOOK = {
  intact: { tone: 'allowed', icon: CircleCheck },
  corrupted: { tone: 'denied', icon: ShieldAlert },
  unaudited: { tone: 'unknown', icon: CircleHelp },
} as const satisfies Record<RecordStanding, object>;

/** A state is no number, and does not shout like one. */
function Standing({ standing }: { standing: RecordStanding }) {
  return (
    <Badge {...LOOK[standing]} className="h-6 text-sm">
      {STANDINGS[standing].name}
    </Badge>
  );
}
