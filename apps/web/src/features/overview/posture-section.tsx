import type { Overview } from '@raypher/shared/rest';
import { CircleCheck, CircleX, Eye } from 'lucide-react';
import { Section } from '@/components/page-header.tsx';
import { SkeletonRows } from '@/components/ui/skeleton.tsx';
import { capabilityLabel } from '@/lib/capability.ts';
import { formatCount } from '@/lib/format/format.ts';

const STATES = [
  { key: 'enforced', label: 'Enforced', icon: CircleCheck, text: 'text-allowed', bar: 'bg-allowed' },
  { key: 'observing', label: 'Observing', icon: Eye, text: 'text-prompted', bar: 'bg-prompted' },
  { key: 'unavailable', label: 'Unavailable', icon: CircleX, text: 'text-unknown', bar: 'bg-unknown' },
] as const;

/** Per capability: on how many devices it is truly enforced, only observed, or unavailable and why. */
export function PostureSection({
  posture,
  devices,
}: {
  posture: Overview['posture'] | undefined;
  /** How many devices there are, those included that do not report a capability. */
  devices: number;
}) {
  return (
    <Section title="Posture" aside={<span>devices per capability</span>}>
      {posture === undefined ? (
        <SkeletonRows rows={5} />
      ) : posture.length === 0 ? (
        <p className="px-4 py-6 text-center text-ink-3">No device has reported its posture yet.</p>
      ) : (
        <ul className="divide-y">
          {posture.map((item) => {
            const reported = item.enforced + item.observing + item.unavailable;
            const total = Math.max(devices, reported);
            const silent = total - reported;
            return (
              <li key={item.capability} className="px-4 py-2.5">
                <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
                  <span className="min-w-0 flex-1 basis-40 font-medium">
                    {capabilityLabel(item.capability)}
                  </span>
                  {STATES.map(({ key, label, icon: Icon, text }) => (
                    <span
                      key={key}
                      className={`flex items-center gap-1 text-xs ${item[key] === 0 ? 'text-ink-3' : text}`}
                      title={`${label} on ${item[key]} of ${total}`}
                    >
                      <Icon aria-hidden="true" className="size-3.5" />
                      <span className="sr-only sm:not-sr-only">{label}</span> {formatCount(item[key])}
                    </span>
                  ))}
                  {silent > 0 && (
                    <span className="text-xs text-ink-3" title="These devices say nothing about it">
                      Not reported {formatCount(silent)}
                    </span>
                  )}
                </div>
                <div
                  aria-hidden="true"
                  className="mt-1.5 flex h-1 gap-px overflow-hidden rounded-sm bg-raised"
                >
                  {STATES.map(({ key, bar }) =>
                    item[key] === 0 ? null : (
                      <span key={key} className={bar} style={{ width: `${(item[key] / total) * 100}%` }} />
                    ),
                  )}
                </div>
                {item.reason !== '' && item.enforced < reported && (
                  <p className="mt-1 text-xs text-ink-3">Most common reason: {item.reason}</p>
                )}
              </li>
            );
          })}
        </ul>
      )}
    </Section>
  );
}
