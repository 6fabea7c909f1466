import type { Overview, Permission } from '@raypher/shared/rest';
import { Bot, MonitorSmartphone, Network, Snowflake, TriangleAlert } from 'lucide-react';
import Link from 'next/link';
import type { ComponentType } from 'react';
import { Skeleton } from '@/components/ui/skeleton.tsx';
import { cn } from '@/lib/cn.ts';
import { formatCount } from '@/lib/format/format.ts';
import { useMe } from '@/lib/me/me-provider.tsx';
import { RecordState } from './record-state.tsx';
import { SpendToday } from './spend-today.tsx';

interface KeyNumber {
  name: string;
  href: string;
  /** Whoever lacks this is led elsewhere. */
  needs?: Permission;
  otherwise?: string;
  icon: ComponentType<{ className?: string }>;
  value: (overview: Overview) => string;
  note: (overview: Overview) => string;
  /** Colour when the number itself is a state that needs attention. */
  tone?: (overview: Overview) => string;
}

const NUMBERS: KeyNumber[] = [
  {
    name: 'Devices connected',
    href: '/devices?state=connected',
    icon: MonitorSmartphone,
    value: ({ devices }) => formatCount(devices.connected),
    note: ({ devices }) =>
      `of ${formatCount(devices.total)}, ${devices.silent > 0 ? formatCount(devices.silent) : 'none'} silent`,
  },
  {
    name: 'AI agents running',
    href: '/agents?state=running',
    icon: Bot,
    value: ({ aiAgents }) => formatCount(aiAgents.running),
    note: ({ aiAgents }) => `${formatCount(aiAgents.newToday)} new today`,
  },
  {
    name: 'AI agents frozen',
    href: '/agents?state=frozen',
    icon: Snowflake,
    value: ({ aiAgents }) => formatCount(aiAgents.frozen),
    note: ({ freezes }) =>
      freezes.active === 0 ? 'no freeze active' : `${formatCount(freezes.active)} active`,
    tone: ({ aiAgents }) => (aiAgents.frozen > 0 ? 'text-frozen' : ''),
  },
  {
    name: 'Live connections',
    href: '/watchtower',
    needs: 'connections:read',
    otherwise: '/events?type=network.request',
    icon: Network,
    value: ({ connections }) => formatCount(connections),
    note: () => 'as devices said last',
  },
  {
    name: 'Open alerts',
    href: '#needs-a-person',
    icon: TriangleAlert,
    value: ({ alerts }) => formatCount(alerts.open),
    note: ({ alerts }) =>
      alerts.critical > 0 ? `${formatCount(alerts.critical)} critical` : 'none critical',
    tone: ({ alerts }) => (alerts.critical > 0 ? 'text-denied' : alerts.open > 0 ? 'text-prompted' : ''),
  },
];

/** By how many numbers there are; the last one fills its line where two or three stand in one. */
const COLUMNS: Record<number, string> = {
  5: 'xl:grid-cols-5 max-md:[&>:last-child]:col-span-2 md:max-xl:[&>:last-child]:col-span-2',
  6: 'xl:grid-cols-6',
  7: 'xl:grid-cols-7 max-md:[&>:last-child]:col-span-2 md:max-xl:[&>:last-child]:col-span-3',
};

/** Each number opens its rows. */
export function KeyNumbers({ overview }: { overview: Overview | undefined }) {
  const { permissions } = useMe();
  const showsSpend = permissions.includes('spend:read');
  const showsRecord = permissions.includes('ledger:read');
  return (
    <ul
      aria-label="Key numbers"
      className={cn(
        'grid grid-cols-2 gap-px overflow-hidden rounded-lg border bg-line md:grid-cols-3',
        COLUMNS[NUMBERS.length + Number(showsSpend) + Number(showsRecord)],
      )}
    >
      {showsSpend && <SpendToday />}
      {NUMBERS.map(({ name, href, needs, otherwise = href, icon: Icon, value, note, tone }) => (
        <li key={name} className="bg-surface">
          <Link
            href={needs === undefined || permissions.includes(needs) ? href : otherwise}
            className="block px-4 py-3 -outline-offset-2 hover:bg-hover"
          >
            <span className="flex items-center gap-1.5 text-xs text-ink-2">
              <Icon aria-hidden="true" className="size-3.5 text-ink-3" />
              {name}
            </span>
            <span
              className={cn(
                'mt-1 block text-2xl font-semibold tracking-[-0.02em]',
                overview !== undefined && tone?.(overview),
              )}
            >
              {overview === undefined ? <Skeleton className="my-2.5 w-16" /> : value(overview)}
            </span>
            <span className="block min-h-4 text-xs text-ink-3">
              {overview === undefined ? '' : note(overview)}
            </span>
          </Link>
        </li>
      ))}
      {showsRecord && <RecordState />}
    </ul>
  );
}
