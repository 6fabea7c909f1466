'use client';

import { useQueryClient } from '@tanstack/react-query';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';

interface Props {
  /** The hold to be lifted; undefined: a new one is placed. */
  lifts: string | undefined;
  onClose: () => void;
}

/** Places a legal hold, or lifts one. */
export function LegalHoldDialog({ lifts, onClose }: Props) {
  const client = useQueryClient();
  const isNew = lifts === undefined;
  return (
    <ReasonDialog
      title={isNew ? 'Place a legal hold' : 'Lift the legal hold'}
      description={
        isNew
          ? 'Nothing of this organisation is erased: no event, no masked sample, nothing of the archive.'
          : 'It counts for seven more days. Then what is beyond its time is erased.'
      }
      reasonPlaceholder="Case, and who asked for it"
      button={isNew ? 'Place' : 'Lift'}
      act={({ reason }) => (isNew ? api.placeLegalHold({ reason }) : api.liftLegalHold(lifts, { reason }))}
      onDone={() => void client.invalidateQueries({ queryKey: keys.recordRetention })}
      onClose={onClose}
    />
  );
}
