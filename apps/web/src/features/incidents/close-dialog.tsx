'use client';

import type { IncidentDetail } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { refreshIncidents } from './refresh.ts';

interface CloseDialogProps {
  incident: IncidentDetail;
  status: 'resolved' | 'false-positive';
  onClose: () => void;
}

const TEXTS = {
  resolved: {
    title: 'Resolve this incident',
    description: 'If the same data is sent again, a new incident opens.',
    placeholder: 'Key rotated, owner told',
    button: 'Resolve',
  },
  'false-positive': {
    title: 'Mark as false positive',
    description:
      'The same data of this AI agent to this host only counts on, without another incident. Policies stay as they are.',
    placeholder: 'An example key from the documentation',
    button: 'Mark',
  },
};

export function CloseDialog({ incident, status, onClose }: CloseDialogProps) {
  const client = useQueryClient();
  const text = TEXTS[status];
  return (
    <ReasonDialog
      title={text.title}
      description={text.description}
      reasonPlaceholder={text.placeholder}
      button={text.button}
      act={({ reason }) => api.decideIncident(incident.id, { status, note: reason })}
      onDone={() => refreshIncidents(client)}
      onClose={onClose}
    />
  );
}
