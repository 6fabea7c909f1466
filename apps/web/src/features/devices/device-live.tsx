import type { Device } from '@raypher/shared/rest';
import { Time } from '@/components/time.tsx';
import { formatBytes, formatCount, formatShare } from '@/lib/format/format.ts';

/** Counters of the newest heartbeat; every 5 seconds while somebody looks. */
export function DeviceLive({ device }: { device: Device }) {
  if (device.live === null) {
    return (
      <p className="px-4 py-3 text-ink-2">
        {device.lastSeenAt === null ? (
          'It has never been connected.'
        ) : (
          <>
            Not connected; last seen <Time at={device.lastSeenAt} />. It keeps enforcing its last policy and
            keeps its events.
          </>
        )}
      </p>
    );
  }
  const { live } = device;
  const numbers = [
    { name: 'Processes', value: formatCount(live.processes) },
    { name: 'Connections', value: formatCount(live.connections) },
    { name: 'Events queued', value: formatCount(live.queueDepth) },
    { name: 'Agent memory', value: formatBytes(live.rssBytes) },
    { name: 'Agent CPU', value: formatShare(live.cpuShare) },
    { name: 'Heartbeat', value: <Time at={live.at} /> },
  ];
  return (
    <dl aria-label="Live counters" className="grid grid-cols-3 gap-px bg-line">
      {numbers.map(({ name, value }) => (
        <div key={name} className="bg-surface px-4 py-2.5">
          <dt className="text-xs text-ink-3">{name}</dt>
          <dd className="text-base font-semibold">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
