'use client';

import type { DeviceDetail } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { useToast } from '@/components/ui/toast.tsx';
import { BlastRadiusView } from '@/components/wide/blast-radius.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
import { api } from '@/lib/api/client.ts';

export function RevokeDialog({ device, onClose }: { device: DeviceDetail; onClose: () => void }) {
  const client = useQueryClient();
  const toast = useToast();
  return (
    <ReasonDialog
      title={`Revoke ${device.hostname}`}
      description="The device is disconnected and its certificates are refused. It keeps enforcing its last policy; to come back it must be enrolled again."
      reasonPlaceholder="Laptop lost on 3 May, ticket 1234"
      button="Revoke device"
      variant="danger"
      cancel="Keep the device"
      act={({ reason }) => api.revokeDevice(device.id, { reason })}
      onDone={() => {
        toast.done(`${device.hostname} is revoked`, 'Its certificates are refused from now on.');
        void client.invalidateQueries({ queryKey: ['devices'] });
      }}
      onClose={onClose}
    >
      <BlastRadiusView query={{ action: 'revoke', device: device.id }} />
    </ReasonDialog>
  );
}
