'use client';

import type { CommandView } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { callerName, targetName } from './connection-columns.tsx';
import type { ShownConnection } from './connection-list.ts';

interface KillDialogProps {
  row: ShownConnection;
  onClose: () => void;
  onSent: (command: CommandView) => void;
}

/** Says what ends and what does not, and asks why. */
export function KillDialog({ row, onClose, onSent }: KillDialogProps) {
  const client = useQueryClient();
  return (
    <ReasonDialog
      title="Kill this connection"
      description={`${callerName(row)} on ${row.hostname} is cut off from ${targetName(row)} in the middle of it. Only this one connection ends: the AI agent goes on and may call again. Freeze it to stop it.`}
      reasonPlaceholder="Runaway loop, told the owner"
      button="Kill connection"
      variant="danger"
      cancel="Keep it open"
      act={({ reason }) => api.cutConnection(row.deviceId, row.id, { reason })}
      onDone={(command) => {
        void client.invalidateQueries({ queryKey: keys.commands(row.deviceId) });
        onSent(command);
      }}
      onClose={onClose}
    />
  );
}
