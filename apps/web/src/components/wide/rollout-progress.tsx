'use client';

import type { Rollout, RolloutPhase } from '@raypher/shared/rest';
import { useQuery } from '@tanstack/react-query';
import {
  CircleCheck,
  CircleDashed,
  CircleX,
  Download,
  type LucideIcon,
  ShieldCheck,
  Unplug,
} from 'lucide-react';
import { useEffect, useState } from 'react';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { cn } from '@/lib/cn.ts';
import { formatCount } from '@/lib/format/format.ts';
import { useNow } from '@/lib/use-now.ts';
import { Badge } from '../badge.tsx';
import { useAnnounce } from '../shell/announcer.tsx';
import { RolloutDevices } from './rollout-devices.tsx';
import {
  count,
  describeElapsed,
  describeRollout,
  elapsedMs,
  inFlight,
  PHASES,
  shownPhases,
} from './rollout-status.ts';

const LOOKS: Record<RolloutPhase, { icon: LucideIcon; text: string; bar: string }> = {
  pending: { icon: CircleDashed, text: 'text-ink-3', bar: 'bg-line-strong' },
  received: { icon: Download, text: 'text-accent', bar: 'bg-accent/40' },
  verified: { icon: ShieldCheck, text: 'text-accent', bar: 'bg-accent' },
  applied: { icon: CircleCheck, text: 'text-allowed', bar: 'bg-allowed' },
  rejected: { icon: CircleX, text: 'text-denied', bar: 'bg-denied' },
  unreachable: { icon: Unplug, text: 'text-unknown', bar: 'bg-unknown/50' },
};

/** How far a revision has come, live: one bar, one count per phase, elapsed time, and the devices behind each count. */
export function RolloutProgress({ initial }: { initial: Rollout }) {
  const { data: rollout = initial } = useQuery({
    queryKey: keys.rollout(initial.id),
    queryFn: () => api.rollout(initial.id),
    initialData: initial,
    // The live messages are faster; this is for when they are cut.
    refetchInterval: ({ state }) => (state.data !== undefined && inFlight(state.data) === 0 ? false : 2_000),
  });
  const settled = rollout.settledAfterMs !== null || rollout.supersededAt !== null;
  const now = useNow(settled ? 60_000 : 100);
  const announce = useAnnounce();
  const sentence = `${rollout.title}: ${describeRollout(rollout, Date.parse(rollout.createdAt) + elapsedMs(rollout, now))}`;
  const announced = settled ? sentence : rollout.title;
  useEffect(() => announce(announced), [announce, announced]);
  const [phase, setPhase] = useState<RolloutPhase | undefined>(undefined);

  return (
    <section
      aria-label={`Rollout progress of ${rollout.kind} revision ${rollout.revision}`}
      className="grid gap-3"
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        {settled ? (
          <Badge tone={count(rollout, 'rejected') > 0 ? 'prompted' : 'allowed'} icon={CircleCheck}>
            {rollout.supersededAt === null ? 'Settled' : 'Superseded'}
          </Badge>
        ) : (
          <Badge tone="accent" icon={CircleDashed}>
            Rolling out
          </Badge>
        )}
        <span className="font-medium">
          {formatCount(count(rollout, 'applied'))} of {formatCount(rollout.devices)} applied
        </span>
        {rollout.kind === 'freeze' && (
          <span className="text-ink-2">{formatCount(rollout.affected)} processes suspended</span>
        )}
        <span className="ml-auto text-ink-2">{now === 0 ? '' : describeElapsed(rollout, now)}</span>
      </div>
      <div className="flex h-1.5 gap-px overflow-hidden rounded-sm bg-raised" aria-hidden="true">
        {[...PHASES]
          .sort((a, b) => order(a.phase) - order(b.phase))
          .map(({ phase: name }) => {
            const share = rollout.devices === 0 ? 0 : count(rollout, name) / rollout.devices;
            return share === 0 ? null : (
              <span key={name} className={LOOKS[name].bar} style={{ width: `${share * 100}%` }} />
            );
          })}
      </div>
      <ul className="grid grid-cols-2 gap-2 sm:grid-cols-3 lg:grid-cols-6">
        {shownPhases(rollout, settled).map(({ phase: name, label, meaning }) => {
          const { icon: Icon, text } = LOOKS[name];
          const value = count(rollout, name);
          return (
            <li key={name}>
              <button
                type="button"
                aria-pressed={phase === name}
                aria-label={`${label}: ${value}`}
                title={meaning}
                disabled={value === 0}
                onClick={() => setPhase(phase === name ? undefined : name)}
                className={cn(
                  'w-full rounded-md border px-2 py-1.5 text-left enabled:hover:bg-hover disabled:cursor-default',
                  phase === name && 'border-accent bg-hover',
                )}
              >
                <span className={cn('flex items-center gap-1 text-xs', value === 0 ? 'text-ink-3' : text)}>
                  <Icon aria-hidden="true" className="size-3.5 shrink-0" />
                  {label}
                </span>
                <span className={cn('text-lg font-semibold', value === 0 && 'text-ink-3')}>
                  {formatCount(value)}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {phase !== undefined && <RolloutDevices rollout={rollout} phase={phase} />}
    </section>
  );
}

/** What is done stands at the left of the bar, what is open at the right. */
function order(phase: RolloutPhase): number {
  return ['applied', 'verified', 'received', 'rejected', 'pending', 'unreachable'].indexOf(phase);
}
