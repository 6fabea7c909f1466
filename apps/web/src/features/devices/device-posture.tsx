import type { Device } from '@raypher/shared/rest';
import { PostureBadge } from '@/components/badge.tsx';
import { Time } from '@/components/time.tsx';
import { capabilityLabel } from '@/lib/capability.ts';

/** Each capability with its state, why, and when it was last proven by a canary. */
export function DevicePosture({ posture }: { posture: Device['posture'] }) {
  if (posture.length === 0)
    return <p className="px-4 py-4 text-ink-3">The device has not reported its posture yet.</p>;
  return (
    <ul aria-label="Posture" className="divide-y">
      {posture.map((item) => (
        <li key={item.capability} className="flex items-start gap-3 px-4 py-2">
          <div className="min-w-0 flex-1 wrap-anywhere">
            <p className="font-medium">{capabilityLabel(item.capability)}</p>
            {item.reason !== '' && <p className="text-xs text-ink-3">{item.reason}</p>}
            {item.provenAt !== null && (
              <p className="text-xs text-ink-3">
                {item.state === 'unavailable' ? 'checked' : 'proven'} <Time at={item.provenAt} />
              </p>
            )}
          </div>
          <PostureBadge state={item.state} />
        </li>
      ))}
    </ul>
  );
}
