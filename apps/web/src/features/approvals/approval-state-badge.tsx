import type { ApprovalState } from '@raypher/shared/rest';
import { Ban, CircleCheck, CircleHelp, CircleX, Clock, Send, Undo2 } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';

/** How it stands with a question: word and icon, never the colour alone. */
export function ApprovalStateBadge({ state }: { state: ApprovalState }) {
  switch (state) {
    case 'pending':
      return (
        <Badge tone="prompted" icon={CircleHelp}>
          Waits
        </Badge>
      );
    case 'sent':
      return (
        <Badge tone="accent" icon={Send}>
          Sent to the device
        </Badge>
      );
    case 'no-word':
      return (
        <Badge tone="unknown" icon={CircleHelp}>
          No word
        </Badge>
      );
    case 'allowed':
      return (
        <Badge tone="allowed" icon={CircleCheck}>
          Allowed
        </Badge>
      );
    case 'denied':
      return (
        <Badge tone="denied" icon={Ban}>
          Denied
        </Badge>
      );
    case 'timed-out':
      return (
        <Badge tone="unknown" icon={Clock}>
          Timed out
        </Badge>
      );
    case 'withdrawn':
      return (
        <Badge tone="unknown" icon={Undo2}>
          Withdrawn
        </Badge>
      );
    case 'unavailable':
      return (
        <Badge tone="denied" icon={CircleX}>
          Failed
        </Badge>
      );
  }
}
