'use client';

import { useQueryClient } from '@tanstack/react-query';
import { Facts } from '@/components/page-header.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
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
  return (
    <ReasonDialog
      title={`Kill ${process.name} (${process.pid})`}
      description="The process and its descendants end at once; unsaved work is lost. To stop it and keep its memory, freeze it instead."
      reasonPlaceholder="Loops on a paid model since this morning"
      button="Kill process"
      variant="danger"
      cancel="Leave it running"
      act={({ reason }) =>
        api.sendCommand(agent.deviceId, {
          verb: 'kill',
          arguments: { pid: process.pid, startTime: process.startTime },
          reason,
        })
      }
      onDone={() => {
        toast.done(`Kill of ${process.name} (${process.pid}) sent`, 'The result appears under Commands.');
        void client.invalidateQueries({ queryKey: keys.commands(agent.deviceId) });
      }}
      onClose={onClose}
    >
      <div className="rounded-lg border bg-canvas">
        <Facts
          items={[
            { name: 'Device', value: agent.hostname },
            { name: 'AI agent', value: agent.name },
            { name: 'Command', value: <code className="font-mono text-xs">{process.commandLine}</code> },
          ]}
        />
      </div>
    </ReasonDialog>
  );
}
