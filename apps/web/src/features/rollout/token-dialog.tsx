'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from '@/components/ui/button.tsx';
import { Dialog } from '@/components/ui/dialog.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { PutOnDevices } from './put-on-devices.tsx';
import { TokenForm } from './token-form.tsx';

/** Creates a token, then shows how it gets onto devices. Closing it forgets the token. */
export function TokenDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: api.createEnrolmentToken,
    // The answer holds the token: it leaves the memory together with this dialog.
    gcTime: 0,
    onSuccess: () => client.invalidateQueries({ queryKey: keys.enrolmentTokens }),
  });
  const close = (open: boolean): void => {
    if (!open) onClose();
  };
  if (create.data !== undefined) {
    return (
      <Dialog
        open
        onOpenChange={close}
        width="lg"
        title="Put it on devices"
        description="The token is here once, until you close this: the control plane keeps only its hash. It carries the fingerprint of this installation, so that no device is led to another server."
        footer={
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        }
      >
        <PutOnDevices created={create.data} />
      </Dialog>
    );
  }
  return (
    <Dialog open onOpenChange={close} title="New enrolment token">
      <TokenForm
        onCancel={onClose}
        busy={create.isPending}
        error={create.error}
        onSubmit={(token) => create.mutate(token)}
      />
    </Dialog>
  );
}
