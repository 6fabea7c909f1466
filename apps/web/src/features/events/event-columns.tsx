import type { EventView } from '@raypher/shared/rest';
import { OutcomeBadge, SeverityBadge } from '@/components/badge.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import type { Column } from '@/components/table/data-table.tsx';
import { Time } from '@/components/time.tsx';
import { actionWords, recordWords, targetWords } from '@/lib/record-words.ts';

export const EVENT_COLUMNS: Column<EventView>[] = [
  {
    id: 'time',
    header: 'Time',
    width: '72px',
    cell: (event) => (
      <span className="text-ink-2">
        <Time at={event.occurredAt} as="clock" />
      </span>
    ),
  },
  {
    id: 'outcome',
    header: 'Outcome',
    width: '108px',
    cell: (event) =>
      event.outcome === null && (event.severity === 'warning' || event.severity === 'critical') ? (
        <SeverityBadge severity={event.severity} />
      ) : (
        <OutcomeBadge outcome={event.outcome} mode={event.mode} />
      ),
  },
  {
    id: 'actor',
    header: 'Actor',
    width: 'minmax(88px, 1fr)',
    from: 560,
    cell: (event) => <span className="font-medium">{event.actor.name}</span>,
  },
  {
    id: 'target',
    header: 'What',
    width: 'minmax(120px, 2.5fr)',
    cell: (event) => (
      <span title={`${event.action} ${event.target}`}>
        <span className="text-ink-3">{actionWords(event.action)}</span>{' '}
        {targetWords(event.type, event.target)}
      </span>
    ),
  },
  {
    id: 'type',
    header: 'Type',
    width: '152px',
    from: 1000,
    cell: (event) => (
      <span className="text-ink-2" title={event.type}>
        {recordWords(event.type)}
      </span>
    ),
  },
  {
    id: 'rule',
    header: 'Rule',
    width: 'minmax(88px, 1fr)',
    from: 760,
    cell: (event) =>
      event.rule === null ? (
        <span className="text-ink-3">–</span>
      ) : (
        <code className="font-mono text-xs">{event.rule}</code>
      ),
  },
  {
    id: 'device',
    header: 'Device',
    width: 'minmax(136px, 1fr)',
    from: 880,
    cell: (event) => <DeviceName {...event} />,
  },
];
