import { cn } from '@/lib/cn.ts';

/** Holds the place of something that is being fetched, so that nothing jumps when it arrives. */
export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden="true" className={cn('block h-3.5 rounded-sm bg-raised', className)} />;
}

export function SkeletonRows({ rows = 5 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="grid gap-3 p-4">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: identical placeholders have no other identity
        <Skeleton key={row} className={row % 2 === 0 ? 'w-3/4' : 'w-1/2'} />
      ))}
    </div>
  );
}
