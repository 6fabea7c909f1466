'use client';

import type { DeviceDetail } from '@raypher/shared/rest';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Ban, OctagonX, Pencil, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { GuardedButton } from '@/components/guarded-button.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { DecisionButtons } from '../identity/decision-buttons.tsx';
import { PanicDialog } from '../panic/panic-dialog.tsx';
import { EditDeviceDialog } from './edit-device-dialog.tsx';
import { RevokeDialog } from './revoke-dialog.tsx';

export function DeviceActions({ device }: { device: DeviceDetail }) {
  const client = useQueryClient();
  const toast = useToast();
  const [editing, setEditing] = useState(false);
  const [revoking, setRevoking] = useState(false);
  const [panicking, setPanicking] = useState(false);
  const rescan = useMutation({
    mutationFn: () =>
      api.sendCommand(device.id, {
        verb: 'scan',
        arguments: {},
        reason: 'Rescan asked for on the device page',
      }),
    onSuccess: () => {
      toast.done('Rescan sent', 'The AI agents below are renewed when the device answers.');
      void client.invalidateQueries({ queryKey: keys.commands(device.id) });
    },
    onError: (error) => toast.failed('The rescan was not sent', error.message),
  });
  const revoked = device.status === 'revoked' ? 'This device is revoked.' : undefined;
  return (
    <>
      <GuardedButton needs="devices:manage" onClick={() => setEditing(true)}>
        <Pencil /> Edit
      </GuardedButton>
      <GuardedButton
        needs="commands:send"
        blockedBecause={revoked ?? (device.connected ? undefined : 'The device is not connected.')}
        onClick={() => rescan.mutate()}
      >
        <RefreshCw /> Rescan
      </GuardedButton>
      {device.status === 'active' && <DecisionButtons device={device} decisions={['pause']} />}
      <GuardedButton needs="devices:revoke" blockedBecause={revoked} onClick={() => setRevoking(true)}>
        <Ban /> Revoke
      </GuardedButton>
      <GuardedButton
        needs="agents:panic"
        variant="danger"
        blockedBecause={revoked}
        onClick={() => setPanicking(true)}
      >
        <OctagonX /> Panic
      </GuardedButton>
      {panicking && (
        <PanicDialog
          device={{ id: device.id, hostname: device.hostname, connected: device.connected }}
          onClose={() => setPanicking(false)}
        />
      )}
      {editing && <EditDeviceDialog device={device} onClose={() => setEditing(false)} />}
      {revoking && <RevokeDialog device={device} onClose={() => setRevoking(false)} />}
    </>
  );
}
