import type { Incident } from '@raypher/shared/rest';
import { SeverityBadge } from '@/components/badge.tsx';
import { DeviceName } from '@/components/device-name.tsx';
import type { Column } from '@/components/table/data-table.tsx';
import { Time } from '@/components/time.tsx';
import { formatCount } from '@/lib/format/format.ts';
import { IncidentOutcomeBadge, IncidentStatusBadge } from './incident-badges.tsx';
import { classWord } from './words.ts';

/** @param chosen ids that an action for several is about; undefined where there is no such action */
export function incidentColumns(
  chosen: ReadonlySet<string> | undefined,
  onChoose: (id: string, isChosen: boolean) => void,
): Column<Incident>[] {
  return [...(chosen === undefined ? [] : [choiceColumn(chosen, onChoose)]), ...COLUMNS];
}

function choiceColumn(
  chosen: ReadonlySet<string>,
  onChoose: (id: string, isChosen: boolean) => void,
): Column<Incident> {
  return {
    id: 'choice',
    header: 'Chosen',
    headerHidden: true,
    width: '24px',
    from: 560,
    cell: (incident) => (
      <input
        type="checkbox"
        className="block size-6 scale-[0.66] accent-accent-solid disabled:opacity-30"
        aria-label={`Choose ${incident.agent.name} to ${incident.host}`}
        checked={chosen.has(incident.id)}
        disabled={incident.status !== 'open'}
        onClick={(event) => event.stopPropagation()}
        onChange={(event) => onChoose(incident.id, event.target.checked)}
      />
    ),
  };
}

const COLUMNS: Column<Incident>[] = [
  {
    id: 'time',
    header: 'Last',
    width: '84px',
    cell: (incident) => (
      <span className="text-ink-2">
        <Time at={incident.lastAt} />
      </span>
    ),
  },
  {
    id: 'outcome',
    header: 'Outcome',
    width: '108px',
    cell: (incident) => <IncidentOutcomeBadge incident={incident} />,
  },
  {
    id: 'data',
    header: 'Data',
    width: 'minmax(96px, 1.4fr)',
    cell: (incident) => (
      <span title={incident.detectors.join(', ')}>
        {incident.classes.map(classWord).join(', ')}{' '}
        <span className="text-ink-3">{incident.detectors.join(', ')}</span>
      </span>
    ),
  },
  {
    id: 'agent',
    header: 'AI agent',
    width: 'minmax(88px, 1fr)',
    from: 560,
    cell: (incident) => <span className="font-medium">{incident.agent.name}</span>,
  },
  {
    id: 'host',
    header: 'Host',
    width: 'minmax(136px, 1.2fr)',
    from: 680,
    cell: (incident) => (
      <span>
        <span className="text-ink-3">{incident.direction === 'out' ? 'to' : 'from'}</span> {incident.host}
      </span>
    ),
  },
  {
    id: 'occurrences',
    header: 'Times',
    width: '56px',
    align: 'end',
    from: 480,
    cell: (incident) => formatCount(incident.occurrences),
  },
  {
    id: 'severity',
    header: 'Severity',
    width: '88px',
    from: 880,
    cell: (incident) => <SeverityBadge severity={incident.severity} />,
  },
  {
    id: 'status',
    header: 'Status',
    width: '124px',
    from: 760,
    cell: (incident) => <IncidentStatusBadge status={incident.status} />,
  },
  {
    id: 'device',
    header: 'Device',
    width: 'minmax(136px, 0.8fr)',
    from: 1120,
    cell: (incident) => <DeviceName {...incident} />,
  },
];
