'use client';

import type { IncidentDetail } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { useToast } from '@/components/ui/toast.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { plural } from '@/lib/format/format.ts';
import { refreshIncidents } from './refresh.ts';

/** Erases masked samples before their time. */
export function EraseDialog({ incident, onClose }: { incident: IncidentDetail; onClose: () => void }) {
  const client = useQueryClient();
  const toast = useToast();
  return (
    <ReasonDialog
      title="Erase the masked samples"
      description="They cannot be brought back. The ledger entries, their hashes and proofs stay as they are."
      reasonPlaceholder="Asked for by the person concerned"
      button="Erase"
      variant="danger"
      cancel="Keep them"
      act={({ reason }) => api.eraseSamples(incident.id, { reason })}
      onDone={({ erased }) => {
        toast.done(`The samples of ${plural(erased, 'entry', 'entries')} are erased`);
        refreshIncidents(client);
      }}
      onClose={onClose}
    />
  );
}
