'use client';

import { useQuery } from '@tanstack/react-query';
import { Snowflake } from 'lucide-react';
import Link from 'next/link';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { plural } from '@/lib/format/format.ts';
import { useMe } from '@/lib/me/me-provider.tsx';

/** While anything is frozen, every page says so and leads to the thaw. */
export function FreezeBanner() {
  const me = useMe();
  const { data } = useQuery({
    queryKey: keys.freezes,
    queryFn: () => api.freezes(),
    enabled: me.permissions.includes('freezes:read'),
  });
  const active = data?.items.filter((freeze) => freeze.thawedAt === null) ?? [];
  const [first] = active;
  if (first === undefined) return null;
  return (
    <div className="flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1 border-b border-frozen/40 bg-frozen-soft px-4 py-1.5 text-frozen">
      <Snowflake aria-hidden="true" className="size-4 shrink-0" />
      <p className="min-w-0 flex-1 basis-60">
        <strong className="font-semibold">Frozen: {first.describes}</strong>
        {active.length > 1 && <> and {plural(active.length - 1, 'more freeze')}</>}
        <span className="text-ink-2"> · {first.reason}</span>
      </p>
      <Link href="/panic" className="rounded-sm font-medium underline underline-offset-2">
        Open Panic Center to thaw
      </Link>
    </div>
  );
}
