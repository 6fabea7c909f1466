import type { PolicyRevision } from '@raypher/shared/rest';
import { GitMerge } from 'lucide-react';
import { Button } from '@/components/ui/button.tsx';

interface StaleNoticeProps {
  running: PolicyRevision;
  basedOn: number;
  onRebase: () => void;
}

/** Somebody deployed while this draft was being written. */
export function StaleNotice({ running, basedOn, onRebase }: StaleNoticeProps) {
  return (
    <div
      role="alert"
      className="mx-4 mb-2 flex flex-wrap items-center gap-3 rounded-lg border border-line-strong bg-prompted-soft px-4 py-2.5 lg:mx-6"
    >
      <GitMerge aria-hidden="true" className="size-4 shrink-0 text-prompted" />
      <p className="min-w-0 flex-1">
        <strong className="font-semibold">
          {running.createdBy} deployed revision {running.revision} meanwhile.
        </strong>{' '}
        Your text is kept; it was based on revision {basedOn}. Look at the changes, take over what you need,
        then continue from {running.revision}.
      </p>
      <Button size="sm" onClick={onRebase}>
        Continue from revision {running.revision}
      </Button>
    </div>
  );
}
