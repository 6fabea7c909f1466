import { DeviceName } from '@/components/device-name.tsx';
import type { Column } from '@/components/table/data-table.tsx';
import { formatBytes } from '@/lib/format/format.ts';
import { ConnectionCost } from './connection-cost.tsx';
import type { ShownConnection } from './connection-list.ts';
import { ConnectionState } from './connection-state.tsx';
import { Elapsed } from './elapsed.tsx';

/** Who is at this end, for people. */
export function callerName({ agent, process }: Pick<ShownConnection, 'agent' | 'process'>): string {
  return agent?.name ?? (process === null ? 'unknown process' : `process ${process.pid}`);
}

/** The other end. */
export function targetName({
  kind,
  host,
  port,
  path,
}: Pick<ShownConnection, 'kind' | 'host' | 'port' | 'path'>): string {
  return kind === 'tunnel' ? `${host}:${port}` : `${host}${path}`;
}

const COLUMNS: Column<ShownConnection>[] = [
  {
    id: 'age',
    header: 'Age',
    width: '64px',
    from: 420,
    cell: (row) => (
      <span className="text-ink-2">
        <Elapsed since={row.openedAt} until={row.endedAt} />
      </span>
    ),
  },
  { id: 'state', header: 'Verdict', width: '88px', cell: (row) => <ConnectionState row={row} /> },
  {
    id: 'agent',
    header: 'AI agent',
    width: 'minmax(112px, 1fr)',
    from: 620,
    cell: (row) => (
      <span title={row.agent === null ? undefined : `run by ${row.agent.user}`}>
        <span className="font-medium">{callerName(row)}</span>
        {row.agent !== null && <span className="ml-1.5 text-ink-3">{row.agent.user}</span>}
      </span>
    ),
  },
  {
    id: 'device',
    header: 'Device',
    width: 'minmax(136px, .8fr)',
    from: 1000,
    cell: (row) => <DeviceName {...row} />,
  },
  {
    id: 'target',
    header: 'To',
    width: 'minmax(120px, 2fr)',
    cell: (row) => (
      <span title={`${row.method} ${targetName(row)}`}>
        <span className="mr-1.5 text-ink-3" aria-hidden="true">
          →
        </span>
        {targetName(row)}
      </span>
    ),
  },
  {
    id: 'model',
    header: 'Model',
    width: 'minmax(80px, .8fr)',
    from: 820,
    cell: (row) =>
      row.model === null ? (
        <span className="text-ink-3">{row.kind === 'tunnel' ? 'not read' : '–'}</span>
      ) : (
        <span title={row.provider ?? undefined}>{row.model}</span>
      ),
  },
  {
    id: 'bytes',
    header: 'Up / down',
    width: '128px',
    align: 'end',
    from: 740,
    cell: (row) => (
      <span className="text-ink-2">
        {formatBytes(row.bytesSent)} / {formatBytes(row.bytesReceived)}
      </span>
    ),
  },
  { id: 'cost', header: 'Cost', width: '112px', align: 'end', cell: (row) => <ConnectionCost row={row} /> },
];

const PREVIEW: Column<ShownConnection> = {
  id: 'preview',
  header: 'Asked (masked)',
  width: 'minmax(120px, 2fr)',
  from: 1_120,
  cell: (row) => <span className="text-ink-2">{row.asked}</span>,
};

export function connectionColumns(showsPreviews: boolean): Column<ShownConnection>[] {
  return showsPreviews ? [...COLUMNS, PREVIEW] : COLUMNS;
}
