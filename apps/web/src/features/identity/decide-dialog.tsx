'use client';

import type { Device } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useAnnounce } from '@/components/shell/announcer.tsx';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { DECISIONS, type Decision } from './decisions.ts';
import { IdentityClassBadge } from './identity-class-badge.tsx';

interface DecideDialogProps {
  device: Device;
  decision: Decision;
  onClose: () => void;
}

/** One decision about one device's identity: what follows, why, and the act. */
export function DecideDialog({ device, decision, onClose }: DecideDialogProps) {
  const client = useQueryClient();
  const toast = useToast();
  const announce = useAnnounce();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const words = DECISIONS[decision];
  const name = device.label ?? device.hostname;
  const decide = useMutation({
    mutationFn: () => {
      const body = { reason: answers.reason };
      return decision === 'refuse' || decision === 'revoke'
        ? api.revokeDevice(device.id, body)
        : api.decideDevice(device.id, decision, body);
    },
    onSuccess: () => {
      toast.done(`${name} ${words.done}`, words.doneDetail);
      announce(`${name} ${words.done}.`);
      void client.invalidateQueries({ queryKey: ['devices'] });
      void client.invalidateQueries({ queryKey: keys.alerts });
      void client.invalidateQueries({ queryKey: keys.overview });
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
      title={`${words.title} ${name}`}
      description={words.consequence}
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>{words.cancel}</Button>
          <Button
            variant={words.danger ? 'danger' : 'primary'}
            disabled={missing !== undefined || decide.isPending}
            onClick={() => decide.mutate()}
          >
            {words.confirm}
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <div className="grid gap-1.5 rounded-lg border bg-canvas px-3 py-2.5">
          <span>
            <IdentityClassBadge device={device} />
          </span>
          <p className="text-xs text-ink-2">{device.identityReason}</p>
          <p className="text-xs text-ink-3">{`${device.hostname} · ${device.os} · ${device.arch} · ${device.team?.name ?? 'no team'}`}</p>
        </div>
        <WideFields answers={answers} onChange={setAnswers} reasonPlaceholder={words.placeholder} />
        <InlineError error={decide.error} />
      </div>
    </Dialog>
  );
}
