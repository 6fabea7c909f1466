import type { Device } from '@raypher/shared/rest';
import { DeviceStateBadge, SimulatedBadge } from '@/components/badge.tsx';
import type { Column } from '@/components/table/data-table.tsx';
import { Time } from '@/components/time.tsx';
import { formatCount } from '@/lib/format/format.ts';
import { DecisionButtons } from '../identity/decision-buttons.tsx';
import { IdentityClassBadge } from '../identity/identity-class-badge.tsx';
import { PostureSummary } from './posture-summary.tsx';

export const DEVICE_COLUMNS: Column<Device>[] = [
  {
    id: 'name',
    header: 'Device',
    width: 'minmax(140px, 2fr)',
    cell: (device) => (
      <span className="flex items-center gap-2">
        <span className="truncate font-medium">{device.label ?? device.hostname}</span>
        {device.label !== null && <span className="truncate text-ink-3">{device.hostname}</span>}
        {device.simulated && <SimulatedBadge />}
      </span>
    ),
  },
  { id: 'state', header: 'State', width: '120px', cell: (device) => <DeviceStateBadge device={device} /> },
  {
    id: 'identity',
    header: 'Identity',
    width: '136px',
    from: 760,
    cell: (device) => <IdentityClassBadge device={device} short />,
  },
  {
    id: 'team',
    header: 'Team',
    width: 'minmax(80px, 1fr)',
    from: 860,
    cell: (device) => device.team?.name ?? <span className="text-ink-3">none</span>,
  },
  {
    id: 'posture',
    header: 'Posture',
    width: '128px',
    from: 560,
    cell: (device) => <PostureSummary posture={device.posture} />,
  },
  {
    id: 'policy',
    header: 'Policy',
    width: '72px',
    align: 'end',
    from: 940,
    cell: (device) =>
      device.applied.policy === 0 ? <span className="text-ink-3">none</span> : `rev ${device.applied.policy}`,
  },
  {
    id: 'agents',
    header: 'AI agents',
    width: '96px',
    align: 'end',
    from: 640,
    cell: (device) => (
      <>
        {formatCount(device.aiAgents)}
        {device.frozenAiAgents > 0 && (
          <span className="text-frozen"> · {formatCount(device.frozenAiAgents)} frozen</span>
        )}
      </>
    ),
  },
  {
    id: 'system',
    header: 'System',
    width: 'minmax(96px, 1fr)',
    from: 1140,
    cell: (device) => <span className="text-ink-2">{`${device.os} · ${device.arch}`}</span>,
  },
  {
    id: 'seen',
    header: 'Last seen',
    width: '96px',
    align: 'end',
    from: 1000,
    cell: (device) =>
      device.lastSeenAt === null ? (
        <span className="text-ink-3">never</span>
      ) : (
        <span className="text-ink-2">
          <Time at={device.lastSeenAt} />
        </span>
      ),
  },
];

/** Where every device waits for the same decision, it can be made in its row. */
export const WAITING_COLUMNS: Column<Device>[] = [
  ...DEVICE_COLUMNS.filter(({ id }) => ['name', 'identity', 'system'].includes(id)),
  {
    id: 'enrolled',
    header: 'Enrolled',
    width: '96px',
    align: 'end',
    from: 560,
    cell: (device) => (
      <span className="text-ink-2">
        <Time at={device.enrolledAt} />
      </span>
    ),
  },
  {
    id: 'decision',
    header: 'Decision',
    width: '190px',
    cell: (device) => (
      <span className="flex gap-1.5">
        <DecisionButtons device={device} decisions={['approve', 'refuse']} size="sm" />
      </span>
    ),
  },
];
