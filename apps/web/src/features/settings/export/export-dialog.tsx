'use client';

import type { ExportDestination } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { SigningKeyDialog } from '../signing-key-dialog.tsx';
import { ExportFields } from './export-fields.tsx';
import { createBody, formOf, missingPart, updateBody } from './export-form.ts';

interface ExportDialogProps {
  /** The one that is changed; a new one without. */
  destination?: ExportDestination;
  fileAllowed: boolean;
  onClose: () => void;
}

/** Adds or changes a destination; shows a webhook's signing key once. */
export function ExportDialog({ destination, fileAllowed, onClose }: ExportDialogProps) {
  const client = useQueryClient();
  const [form, setForm] = useState(() => formOf(destination));
  return (
    <ReasonDialog
      title={destination === undefined ? 'Add a destination' : `Change ${destination.name}`}
      description="Secrets are stored encrypted and not shown again."
      reasonPlaceholder="The security team watches it there"
      missing={missingPart(form, destination)}
      button={destination === undefined ? 'Add' : 'Change'}
      act={({ reason }) =>
        destination === undefined
          ? api.createExport(createBody(form, reason))
          : api.updateExport(destination.id, updateBody(destination, form, reason))
      }
      onDone={() => void client.invalidateQueries({ queryKey: keys.exportDestinations })}
      showAnswer={({ signingKey }) =>
        signingKey === null ? null : (
          <SigningKeyDialog
            signingKey={signingKey}
            use="Requests carry raypher-signature: t=SECONDS,v1=HMAC-SHA-256 of SECONDS.BODY."
            onClose={onClose}
          />
        )
      }
      onClose={onClose}
    >
      <ExportFields
        form={form}
        onChange={setForm}
        isNew={destination === undefined}
        fileAllowed={fileAllowed}
      />
    </ReasonDialog>
  );
}
