'use client';

import { usePendingApprovals } from '@/features/approvals/use-pending-approvals.ts';

/** How many questions wait, beside the page that has them; nothing when none does. */
export function NavigationCount() {
  const count = usePendingApprovals().data?.length ?? 0;
  if (count === 0) return null;
  return (
    <span className="ml-auto rounded-sm bg-prompted-soft px-1.5 text-xs leading-5 font-medium text-prompted tabular-nums">
      {count > 99 ? '99+' : count}
      <span className="sr-only"> waiting</span>
    </span>
  );
}
