'use client';

import { useQueryClient } from '@tanstack/react-query';
import { Undo2 } from 'lucide-react';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';

/** Back to what everybody else runs. Only devices of the stage notice, so a reason is enough. */
export function WithdrawDialog({ revision, onClose }: { revision: number; onClose: () => void }) {
  const client = useQueryClient();
  return (
    <ReasonDialog
      title={`Withdraw revision ${revision}`}
      description="Devices that have it go back to the documents that all others run, under a new revision number."
      reasonPlaceholder="The build servers cannot fetch packages"
      button={
        <>
          <Undo2 /> Withdraw it
        </>
      }
      act={async ({ reason }) => {
        await api.withdrawStage({ revision, reason });
        await client.invalidateQueries({ queryKey: ['policies'] });
      }}
      onClose={onClose}
    />
  );
}
