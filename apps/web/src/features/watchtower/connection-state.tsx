import { CircleHelp, CircleStop } from 'lucide-react';
import { Badge, OutcomeBadge } from '@/components/badge.tsx';
import type { ShownConnection } from './connection-list.ts';

/** The verdict while it is open, then that it is over. */
export function ConnectionState({ row }: { row: Pick<ShownConnection, 'outcome' | 'endedAt'> }) {
  if (row.endedAt !== undefined) {
    return (
      <Badge tone="unknown" icon={CircleStop}>
        Ended
      </Badge>
    );
  }
  if (row.outcome === 'PROMPT') {
    return (
      <Badge tone="prompted" icon={CircleHelp} title="A person is asked; nothing goes on before">
        Waiting
      </Badge>
    );
  }
  // What is open and would be denied is so under a policy that only records.
  return <OutcomeBadge outcome={row.outcome} mode="monitor" />;
}
