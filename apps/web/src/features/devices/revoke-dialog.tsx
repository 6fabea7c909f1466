'use client';

import type { DeviceDetail } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { InlineError } from '@/components/states.tsx';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { BlastRadiusView } from '@/components/wide/blast-radius.tsx';
import { missingAnswer } from '@/components/wide/confirmation.ts';
import { WideFields } from '@/components/wide/wide-fields.tsx';
import { api } from '@/lib/api/client.ts';

export function RevokeDialog({ device, onClose }: { device: DeviceDetail; onClose: () => void }) {
  const client = useQueryClient();
  const toast = useToast();
  const [answers, setAnswers] = useState({ reason: '', confirm: '' });
  const revoke = useMutation({
    mutationFn: () => api.revokeDevice(device.id, { reason: answers.reason }),
    onSuccess: () => {
      toast.done(`${device.hostname} is revoked`, 'Its certificates are refused from now on.');
      void client.invalidateQueries({ queryKey: ['devices'] });
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
      title={`Revoke ${device.hostname}`}
      description="The device is disconnected and its certificates are refused. It keeps enforcing its last policy; to come back it must be enrolled again."
      footer={
        <>
          {missing !== undefined && <span className="mr-auto text-xs text-ink-3">{missing}</span>}
          <Button onClick={onClose}>Keep the device</Button>
          <Button
            variant="danger"
            disabled={missing !== undefined || revoke.isPending}
            onClick={() => revoke.mutate()}
          >
            Revoke device
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <BlastRadiusView query={{ action: 'revoke', device: device.id }} />
        <WideFields
          answers={answers}
          onChange={setAnswers}
          reasonPlaceholder="Laptop lost on 3 May, ticket 1234"
        />
        <InlineError error={revoke.error} />
      </div>
    </Dialog>
  );
}
