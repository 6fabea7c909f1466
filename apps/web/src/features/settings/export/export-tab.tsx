'use client';

import type { ExportDestination } from '@raypher/shared/rest';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { Section } from '@/components/page-header.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { ExportDialog } from './export-dialog.tsx';
import { ExportRow } from './export-row.tsx';
import { RewindDialog } from './rewind-dialog.tsx';

/** How often the table looks how far each destination is, milliseconds. */
const LOOK_EVERY_MS = 5_000;

type Open = { dialog: 'add' } | { dialog: 'edit' | 'rewind'; destination: ExportDestination };

/** Where the organisation's log is sent, and how far each destination is. */
export function ExportTab() {
  const client = useQueryClient();
  const toast = useToast();
  const [open, setOpen] = useState<Open>();
  const { data, error, refetch } = useQuery({
    queryKey: keys.exportDestinations,
    queryFn: api.exportDestinations,
    refetchInterval: LOOK_EVERY_MS,
  });
  const test = useMutation({
    mutationFn: ({ id }: ExportDestination) => api.testExport(id),
    onSuccess: ({ ok, said }, { name }) =>
      ok ? toast.done(`${name} took the test event`, said) : toast.failed(`${name} did not take it`, said),
    onError: (failure) => toast.failed('The test could not be sent', failure.message),
  });
  const remove = useMutation({
    mutationFn: ({ id }: ExportDestination) => api.deleteExport(id),
    onSuccess: (_, { name }) => {
      toast.done(`${name} is removed`, 'Nothing more is sent there.');
      void client.invalidateQueries({ queryKey: keys.exportDestinations });
    },
    onError: (failure) => toast.failed('It is still there', failure.message),
  });
  const close = () => setOpen(undefined);
  const add = (
    <GuardedButton
      needs="settings:manage"
      size="sm"
      variant="primary"
      onClick={() => setOpen({ dialog: 'add' })}
    >
      <Plus /> Add a destination
    </GuardedButton>
  );
  return (
    <Section title="Export to a SIEM" aside={data !== undefined && data.items.length > 0 && add}>
      {error !== null && data === undefined ? (
        <ErrorState
          what="The destinations could not be fetched."
          error={error}
          retry={() => void refetch()}
        />
      ) : data === undefined ? (
        <SkeletonRows rows={3} />
      ) : data.items.length === 0 ? (
        <EmptyState title="The log is sent nowhere yet" action={add}>
          <p>
            Every entry of the log becomes an OCSF event and goes to Splunk, a webhook, a syslog server or a
            file: in the order of the log, and at least once. A receiver that is away catches up when it is
            back.
          </p>
          <p>
            Have the address and token of the receiver ready. A test event shows at once whether it takes
            them.
          </p>
        </EmptyState>
      ) : (
        <div className="overflow-x-auto">
          <table className="w-full min-w-[720px] text-left" aria-label="Export destinations">
            <thead className="text-xs text-ink-3">
              <tr>
                <th className="px-4 py-1.5 font-normal">Destination</th>
                <th className="px-2 py-1.5 font-normal">State</th>
                <th className="px-2 py-1.5 font-normal">Confirmed</th>
                <th className="px-2 py-1.5 font-normal">Last</th>
                <th className="w-72 px-4 py-1.5">
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.items.map((destination) => (
                <ExportRow
                  key={destination.id}
                  destination={destination}
                  isBusy={test.isPending || remove.isPending}
                  onTest={() => test.mutate(destination)}
                  onEdit={() => setOpen({ dialog: 'edit', destination })}
                  onRewind={() => setOpen({ dialog: 'rewind', destination })}
                  onRemove={() => remove.mutate(destination)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {open?.dialog === 'add' && <ExportDialog fileAllowed={data?.fileAllowed ?? false} onClose={close} />}
      {open?.dialog === 'edit' && (
        <ExportDialog
          destination={open.destination}
          fileAllowed={data?.fileAllowed ?? false}
          onClose={close}
        />
      )}
      {open?.dialog === 'rewind' && <RewindDialog destination={open.destination} onClose={close} />}
    </Section>
  );
}
