import type { Incident, IncidentStatus } from '@raypher/shared/rest';
import { Ban, CircleCheck, CircleDot, CircleHelp, CircleSlash, Eraser, Eye } from 'lucide-react';
import { Badge } from '@/components/badge.tsx';
import { OUTCOME_WORDS, STATUS_WORDS } from './words.ts';

export function IncidentOutcomeBadge({ incident }: { incident: Pick<Incident, 'outcome' | 'wouldBlock'> }) {
  const word = OUTCOME_WORDS[incident.outcome];
  // Monitor mode lets pass: that must never read like a block.
  if (incident.wouldBlock)
    return (
      <Badge tone="prompted" icon={Eye} title="Monitor mode: recorded, not blocked">
        Would block
      </Badge>
    );
  switch (incident.outcome) {
    case 'block':
      return (
        <Badge tone="denied" icon={Ban}>
          {word}
        </Badge>
      );
    case 'redact':
      return (
        <Badge tone="allowed" icon={Eraser}>
          {word}
        </Badge>
      );
    case 'prompt':
      return (
        <Badge tone="prompted" icon={CircleHelp}>
          {word}
        </Badge>
      );
    case 'alert':
      return (
        <Badge tone="unknown" icon={Eye}>
          {word}
        </Badge>
      );
    case 'allow':
      return (
        <Badge tone="accent" icon={CircleCheck}>
          {word}
        </Badge>
      );
  }
}

export function IncidentStatusBadge({ status }: { status: IncidentStatus }) {
  const word = STATUS_WORDS[status];
  switch (status) {
    case 'open':
      return (
        <Badge tone="prompted" icon={CircleDot}>
          {word}
        </Badge>
      );
    case 'acknowledged':
      return (
        <Badge tone="accent" icon={Eye}>
          {word}
        </Badge>
      );
    case 'resolved':
      return (
        <Badge tone="allowed" icon={CircleCheck}>
          {word}
        </Badge>
      );
    case 'false-positive':
      return (
        <Badge tone="unknown" icon={CircleSlash}>
          {word}
        </Badge>
      );
  }
}
