'use client';

import type { ExportDestination } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Field } from '@/components/ui/field.tsx';
import { Input } from '@/components/ui/input.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';

interface RewindDialogProps {
  destination: ExportDestination;
  onClose: () => void;
}

/** Goes on from another place of the log. */
export function RewindDialog({ destination, onClose }: RewindDialogProps) {
  const client = useQueryClient();
  const { nextIndex, behind } = destination.state;
  const end = nextIndex + behind;
  const [place, setPlace] = useState(String(nextIndex));
  const index = /^\d{1,15}$/.test(place) ? Number(place) : undefined;
  const isPlace = index !== undefined && index <= end;
  return (
    <ReasonDialog
      title={`Rewind ${destination.name}`}
      description="A place before the next one sends entries again; the receiver drops repetitions by metadata.uid. A later one leaves entries out for good."
      reasonPlaceholder="The index was rebuilt"
      missing={isPlace ? undefined : `Give a place between 0 and ${end}.`}
      button="Go on from there"
      act={({ reason }) => api.rewindExport(destination.id, { index: Number(place), reason })}
      onDone={() => void client.invalidateQueries({ queryKey: keys.exportDestinations })}
      onClose={onClose}
    >
      <Field label="Place in the log" hint={`Next is ${nextIndex}; the log has ${end} entries.`}>
        {(control) => (
          <Input
            {...control}
            inputMode="numeric"
            value={place}
            onChange={(event) => setPlace(event.target.value)}
          />
        )}
      </Field>
    </ReasonDialog>
  );
}
