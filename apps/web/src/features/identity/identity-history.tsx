import type { IdentityEvent } from '@raypher/shared/rest';
import {
  Ban,
  CircleCheck,
  CopyX,
  DoorOpen,
  Gauge,
  KeyRound,
  type LucideIcon,
  Pause,
  Play,
  Power,
  SquarePlus,
} from 'lucide-react';
import { Time } from '@/components/time.tsx';

const KINDS: Record<IdentityEvent['kind'], { label: string; icon: LucideIcon; text: string }> = {
  enrolled: { label: 'Enrolled', icon: SquarePlus, text: 'text-ink-3' },
  approved: { label: 'Approved', icon: CircleCheck, text: 'text-allowed' },
  paused: { label: 'Paused', icon: Pause, text: 'text-prompted' },
  resumed: { label: 'Resumed', icon: Play, text: 'text-allowed' },
  revoked: { label: 'Revoked', icon: Ban, text: 'text-denied' },
  left: { label: 'Left', icon: DoorOpen, text: 'text-ink-3' },
  'pcrs-changed': { label: 'Measurements changed', icon: Gauge, text: 'text-prompted' },
  rebooted: { label: 'Rebooted', icon: Power, text: 'text-ink-3' },
  cloned: { label: 'Seen in two machines', icon: CopyX, text: 'text-denied' },
  'vault-key-changed': { label: 'Vault key changed', icon: KeyRound, text: 'text-ink-3' },
};

/** What happened to this identity, newest first. */
export function IdentityHistory({ events }: { events: IdentityEvent[] }) {
  if (events.length === 0) return <p className="px-4 py-3 text-ink-3">Nothing is recorded yet.</p>;
  return (
    <ol aria-label="History of this identity" className="max-h-80 divide-y overflow-y-auto">
      {events.map((event) => {
        const { label, icon: Icon, text } = KINDS[event.kind];
        return (
          <li key={`${event.at} ${event.kind} ${event.detail}`} className="flex items-start gap-3 px-4 py-2">
            <Icon aria-hidden="true" className={`mt-0.5 size-4 shrink-0 ${text}`} />
            <div className="min-w-0 flex-1">
              <p className="flex flex-wrap items-baseline justify-between gap-x-3">
                <span className="font-medium">{label}</span>
                <span className="text-xs text-ink-3">
                  <Time at={event.at} as="full" />
                </span>
              </p>
              <p className="text-xs break-words text-ink-2">{event.detail}</p>
              {event.by !== '' && <p className="text-xs text-ink-3">by {event.by}</p>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
