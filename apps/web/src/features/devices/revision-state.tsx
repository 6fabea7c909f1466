import { CircleCheck, Clock3 } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';

/** Applied against desired: the same, or behind. */
export function RevisionState({ applied, desired }: { applied: number; desired: number | undefined }) {
  if (desired === undefined) return <>{applied === 0 ? 'none applied' : `revision ${applied} applied`}</>;
  if (applied === desired) {
    return (
      <span className="inline-flex flex-wrap items-center gap-2">
        revision {applied}
        <Badge tone="allowed" icon={CircleCheck}>
          Current
        </Badge>
      </span>
    );
  }
  return (
    <span className="inline-flex flex-wrap items-center gap-2">
      {applied === 0 ? 'none applied' : `revision ${applied} applied`}, {desired} desired
      <Badge tone="prompted" icon={Clock3}>
        Behind
      </Badge>
    </span>
  );
}
