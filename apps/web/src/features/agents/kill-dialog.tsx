'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Facts } from '@/components/page-header.tsx';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import type { AiAgent, AiProcess } from './agent-types.ts';

interface KillDialogProps {
  agent: AiAgent;
  process: AiProcess;
  onClose: () => void;
}

/** Ends one process and its descendants on the device. Names the process by pid and start time, so that a reused pid is refused. */
export function KillDialog({ agent, process, onClose }: KillDialogProps) {
  const client = useQueryClient();
  const toast = useToast();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const kill = useMutation({
    mutationFn: () =>
      api.sendCommand(agent.deviceId, {
        verb: 'kill',
        arguments: { pid: process.pid, startTime: process.startTime },
        reason: answers.reason,
      }),
    onSuccess: () => {
      toast.done(`Kill of ${process.name} (${process.pid}) sent`, 'The result appears under Commands.');
      void client.invalidateQueries({ queryKey: keys.commands(agent.deviceId) });
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
      title={`Kill ${process.name} (${process.pid})`}
      description="The process and its descendants end at once; unsaved work is lost. To stop it and keep its memory, freeze it instead."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Leave it running</Button>
          <Button
            variant="danger"
            disabled={missing !== undefined || kill.isPending}
            onClick={() => kill.mutate()}
          >
            Kill process
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <div className="rounded-lg border bg-canvas">
          <Facts
            items={[
              { name: 'Device', value: agent.hostname },
              { name: 'AI agent', value: agent.name },
              { name: 'Command', value: <code className="font-mono text-xs">{process.commandLine}</code> },
            ]}
          />
        </div>
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder="Loops on a paid model since this morning"
        />
        <InlineError error={kill.error} />
      </div>
    </Dialog>
  );
}
