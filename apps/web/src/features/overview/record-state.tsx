'use client';

import { useQuery } from '@tanstack/react-query';
import { Link2 } from 'lucide-react';
import Link from 'next/link';
import { Time } from '@/components/time.tsx';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { recordStanding, STANDINGS } from '@/features/ledger/record-standing.ts';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { cn } from '@/lib/cn.ts';
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
        <span
          className={cn(
            'mt-1 block text-2xl font-semibold tracking-[-0.02em]',
            data?.state === 'CORRUPTED' && 'text-denied',
          )}
        >
          {data === undefined ? <Skeleton className="my-2.5 w-16" /> : STANDINGS[recordStanding(data)].name}
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
