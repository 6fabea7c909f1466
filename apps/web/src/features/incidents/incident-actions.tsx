'use client';

import type { IncidentDetail, IncidentStatus } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { api } from '@/lib/api/client.ts';
import { CloseDialog } from './close-dialog.tsx';
import { EraseDialog } from './erase-dialog.tsx';
import { refreshIncidents } from './refresh.ts';

/** What a person can decide about an incident. */
export function IncidentActions({ incident }: { incident: IncidentDetail }) {
  const client = useQueryClient();
  const toast = useToast();
  const [asking, setAsking] = useState<'resolved' | 'false-positive' | 'erase' | undefined>();
  const decide = useMutation({
    mutationFn: (status: IncidentStatus) => api.decideIncident(incident.id, { status, note: '' }),
    onSuccess: () => refreshIncidents(client),
    onError: (error) => toast.failed('The incident is as it was', error.message),
  });
  const isClosed = incident.status === 'resolved' || incident.status === 'false-positive';
  const hasSamples = incident.recent.some(({ samples }) => samples.length > 0);
  return (
    <div className="flex flex-wrap gap-2">
      {incident.status === 'open' && (
        <GuardedButton size="sm" needs="incidents:manage" onClick={() => decide.mutate('acknowledged')}>
          Acknowledge
        </GuardedButton>
      )}
      {isClosed ? (
        <GuardedButton size="sm" needs="incidents:manage" onClick={() => decide.mutate('open')}>
          Reopen
        </GuardedButton>
      ) : (
        <>
          <GuardedButton size="sm" needs="incidents:manage" onClick={() => setAsking('resolved')}>
            Resolve…
          </GuardedButton>
          <GuardedButton size="sm" needs="incidents:manage" onClick={() => setAsking('false-positive')}>
            False positive…
          </GuardedButton>
        </>
      )}
      {hasSamples && (
        <GuardedButton size="sm" variant="ghost" needs="incidents:manage" onClick={() => setAsking('erase')}>
          Erase samples…
        </GuardedButton>
      )}
      {(asking === 'resolved' || asking === 'false-positive') && (
        <CloseDialog incident={incident} status={asking} onClose={() => setAsking(undefined)} />
      )}
      {asking === 'erase' && <EraseDialog incident={incident} onClose={() => setAsking(undefined)} />}
    </div>
  );
}
