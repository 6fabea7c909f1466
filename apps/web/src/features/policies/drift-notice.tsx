import type { PolicyDrift } from '@raypher/shared/rest';
import { GitCompareArrows } from 'lucide-react';
import { Time } from '@/components/time.tsx';

/** What runs is not what the repository says. */
export function DriftNotice({ drift }: { drift: PolicyDrift }) {
  return (
    <section
      aria-label="Drift"
      className="mx-4 mb-2 flex flex-wrap items-center gap-3 rounded-lg border border-line-strong bg-prompted-soft px-4 py-2.5 lg:mx-6"
    >
      <GitCompareArrows aria-hidden="true" className="size-4 shrink-0 text-prompted" />
      <p className="min-w-0 flex-1 break-words">
        <strong className="font-semibold">
          Changed by hand since commit {drift.source.commit.slice(0, 12)} of {drift.source.repository}.
        </strong>{' '}
        That commit was applied as revision {drift.appliedRevision}; {drift.changedBy} deployed something else{' '}
        <Time at={drift.changedAt} />. The next run of the repository's pipeline replaces it.
      </p>
    </section>
  );
}
