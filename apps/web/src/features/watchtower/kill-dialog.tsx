'use client';

import type { CommandView } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
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
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const kill = useMutation({
    mutationFn: () => api.cutConnection(row.deviceId, row.id, { reason: answers.reason }),
    onSuccess: (command) => {
      void client.invalidateQueries({ queryKey: keys.commands(row.deviceId) });
      onSent(command);
      onClose();
    },
  });
  const missing = missingAnswer(answers, undefined);
  return (
    <Dialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Kill this connection"
      description={`${callerName(row)} on ${row.hostname} is cut off from ${targetName(row)} in the middle of it. Only this one connection ends: the AI agent goes on and may call again. Freeze it to stop it.`}
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Keep it open</Button>
          <Button
            variant="danger"
            disabled={missing !== undefined || kill.isPending}
            onClick={() => kill.mutate()}
          >
            Kill connection
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder="Runaway loop, told the owner"
        />
        <InlineError error={kill.error} />
      </div>
    </Dialog>
  );
}
