import { SmallSimulatedBadge } from './badge.tsx';

/** The name of a device; one that is not a real machine is never shown without saying so. */
export function DeviceName({ hostname, simulated }: { hostname: string; simulated: boolean }) {
  if (!simulated) return hostname;
  return (
    <span className="inline-flex max-w-full items-center gap-1.5 align-bottom">
      <span className="truncate" title={hostname}>
        {hostname}
      </span>
      <SmallSimulatedBadge />
    </span>
  );
}
