'use client';

import type { Device } from '@raypher/shared/rest';
import { useQueryClient } from '@tanstack/react-query';
import { useAnnounce } from '@/components/shell/announcer.tsx';
import { useToast } from '@/components/ui/toast.tsx';
import { ReasonDialog } from '@/components/wide/reason-dialog.tsx';
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
  const words = DECISIONS[decision];
  const name = device.label ?? device.hostname;
  return (
    <ReasonDialog
      title={`${words.title} ${name}`}
      description={words.consequence}
      reasonPlaceholder={words.placeholder}
      button={words.confirm}
      variant={words.danger ? 'danger' : 'primary'}
      cancel={words.cancel}
      act={({ reason }) =>
        decision === 'refuse' || decision === 'revoke'
          ? api.revokeDevice(device.id, { reason })
          : api.decideDevice(device.id, decision, { reason })
      }
      onDone={() => {
        toast.done(`${name} ${words.done}`, words.doneDetail);
        announce(`${name} ${words.done}.`);
        void client.invalidateQueries({ queryKey: ['devices'] });
        void client.invalidateQueries({ queryKey: keys.alerts });
        void client.invalidateQueries({ queryKey: keys.overview });
      }}
      onClose={onClose}
    >
      <div className="grid gap-1.5 rounded-lg border bg-canvas px-3 py-2.5">
        <span>
          <IdentityClassBadge device={device} />
        </span>
        <p className="text-xs text-ink-2">{device.identityReason}</p>
        <p className="text-xs text-ink-3">{`${device.hostname} · ${device.os} · ${device.arch} · ${device.team?.name ?? 'no team'}`}</p>
      </div>
    </ReasonDialog>
  );
}
