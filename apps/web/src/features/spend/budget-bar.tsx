import type { Budget, BudgetCounter } from '@raypher/shared/rest';
import { Ban, CircleCheck, TriangleAlert } from 'lucide-react';
import Link from 'next/link';
import { Badge } from '@/components/badge.tsx';
import { Time } from '@/components/time.tsx';
import { plural } from '@/lib/format/format.ts';
import { type BudgetState, budgetState } from './budget-state.ts';
import { moneyLike } from './money.ts';

const STATES = {
  within: { tone: 'allowed', icon: CircleCheck, word: 'Within' },
  warned: { tone: 'prompted', icon: TriangleAlert, word: 'Threshold reached' },
  'used-up': { tone: 'denied', icon: Ban, word: 'Used up' },
} as const satisfies Record<BudgetState, unknown>;

/** Spent, lent to devices, left: as a bar and in words. */
export function BudgetBar({ limit, counter }: { limit: Budget; counter: BudgetCounter }) {
  const { spentMicros, lentMicros, remainingMicros, devices, subject, name } = counter;
  const money = moneyLike(limit.amountMicros);
  const { tone, icon, word } = STATES[budgetState(limit, counter)];
  const share = (micros: number) =>
    `${limit.amountMicros === 0 ? 100 : Math.min(100, (micros / limit.amountMicros) * 100)}%`;
  return (
    <div className="grid gap-1.5">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-xs">
        <Badge tone={tone} icon={icon}>
          {word}
        </Badge>
        {subject !== null && <span className="font-medium">{name === '' ? 'unknown' : name}</span>}
        <span className="text-ink-2">
          {money(spentMicros)} spent · {money(lentMicros)} lent to devices · {money(remainingMicros)} left
        </span>
      </div>
      <div aria-hidden="true" className="flex h-2 overflow-hidden rounded-full bg-raised">
        <span className="h-full bg-accent" style={{ width: share(spentMicros) }} />
        <span className="h-full bg-accent/40" style={{ width: share(lentMicros) }} />
      </div>
      {devices.length > 0 && (
        <details className="text-xs text-ink-2">
          <summary className="cursor-pointer py-1">
            {plural(devices.length, 'device')} {devices.length === 1 ? 'uses' : 'use'} it
          </summary>
          <ul className="mt-1 grid gap-1">
            {devices.map((device) => (
              <li key={device.deviceId} className="flex flex-wrap gap-x-2">
                <Link href={`/devices/${device.deviceId}`} className="underline-offset-2 hover:underline">
                  {device.hostname}
                </Link>
                <span>
                  {money(device.spentMicros)} spent, {money(device.lentMicros)} lent until{' '}
                  <Time at={device.until} />, told <Time at={device.reportedAt} />
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
