import type { Device } from '@raypher/shared/rest';
import { CircleCheck, CircleX, Eye } from 'lucide-react';

const STATES = [
  { state: 'enforced', icon: CircleCheck, text: 'text-allowed' },
  { state: 'observing', icon: Eye, text: 'text-prompted' },
  { state: 'unavailable', icon: CircleX, text: 'text-unknown' },
] as const;

/** How many capabilities of a device are in which state. */
export function PostureSummary({ posture }: { posture: Device['posture'] }) {
  if (posture.length === 0) return <span className="text-ink-3">not reported</span>;
  return (
    <span className="flex items-center gap-2.5 text-xs">
      {STATES.map(({ state, icon: Icon, text }) => {
        const count = posture.filter((item) => item.state === state).length;
        return (
          <span
            key={state}
            title={`${count} ${state}`}
            className={`flex items-center gap-1 ${count === 0 ? 'text-ink-3' : text}`}
          >
            <Icon aria-hidden="true" className="size-3.5" />
            {count}
            <span className="sr-only">{state}</span>
          </span>
        );
      })}
    </span>
  );
}
