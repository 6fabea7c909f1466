'use client';

import type { DeviceDetail } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import { ShortId } from '@/components/copy.tsx';
import { Facts } from '@/components/page-header.tsx';
import { Time } from '@/components/time.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { formatCount } from '@/lib/format/format.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { IDENTITY } from '../identity/identity-class.ts';
import { IdentityClassBadge } from '../identity/identity-class-badge.tsx';
import { RevisionState } from './revision-state.tsx';

const LINK: Record<NonNullable<DeviceDetail['live']>['transport'], string> = {
  grpc: 'gRPC',
  websocket: 'WebSocket, in place of gRPC',
  'long-poll': 'long polling, in place of gRPC',
};

export function DeviceFacts({ device }: { device: DeviceDetail }) {
  const me = useMe();
  const running = useQuery({
    queryKey: keys.runningPolicy,
    queryFn: api.runningPolicy,
    enabled: me.permissions.includes('policies:read'),
  });
  const identity = IDENTITY[device.identityClass];
  return (
    <Facts
      items={[
        {
          name: 'Identity',
          value: (
            <span className="grid gap-1">
              <span>
                <IdentityClassBadge device={device} />
              </span>
              <span className="text-xs text-ink-3">{identity.meaning}</span>
            </span>
          ),
        },
        {
          name: 'Policy',
          value: <RevisionState applied={device.applied.policy} desired={running.data?.revision} />,
        },
        {
          name: 'Freeze state',
          value: device.applied.freeze === 0 ? 'none received' : `revision ${device.applied.freeze}`,
        },
        { name: 'Team', value: device.team?.name ?? 'none' },
        { name: 'System', value: `${device.os} · ${device.kernel} · ${device.arch}` },
        { name: 'Agent version', value: device.agentVersion },
        { name: 'Enrolled', value: <Time at={device.enrolledAt} as="full" /> },
        ...(device.connectedSince === null
          ? []
          : [{ name: 'Connected', value: <Time at={device.connectedSince} /> }]),
        ...(device.live === null ? [] : [{ name: 'Link', value: LINK[device.live.transport] }]),
        ...(device.revokedAt === null
          ? []
          : [
              {
                name: 'Revoked',
                value: (
                  <>
                    <Time at={device.revokedAt} as="full" /> · {device.revokeReason}
                  </>
                ),
              },
            ]),
        {
          name: 'Ledger head',
          value:
            device.ledger.seq === 0 ? (
              'no entry yet'
            ) : (
              <span className="inline-flex items-center gap-2">
                entry {formatCount(device.ledger.seq)}{' '}
                <ShortId id={device.ledger.hash} label="ledger head hash" length={12} />
              </span>
            ),
        },
        { name: 'Device id', value: <ShortId id={device.id} label="device id" /> },
        { name: 'Key', value: <ShortId id={device.keyFingerprint} label="key fingerprint" length={12} /> },
      ]}
    />
  );
}
