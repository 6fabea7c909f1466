import type { LedgerEntryView } from '@raypher/shared/rest';
import { DeviceName } from '@/components/device-name.tsx';
import type { Column } from '@/components/table/data-table.tsx';
import { Time } from '@/components/time.tsx';
import { formatCount } from '@/lib/format/format.ts';
import { summarise } from './entry-summary.ts';

export const LEDGER_COLUMNS: Column<LedgerEntryView>[] = [
  {
    id: 'index',
    header: 'Place',
    width: '88px',
    align: 'end',
    cell: ({ index }) => formatCount(index),
  },
  {
    id: 'at',
    header: 'When',
    width: '96px',
    cell: ({ at }) => <span className="text-ink-2">{at === null ? '–' : <Time at={at} />}</span>,
  },
  {
    id: 'by',
    header: 'Recorded by',
    width: 'minmax(144px, 1fr)',
    from: 480,
    cell: ({ device }) => (
      <span className="font-medium">{device === null ? 'Control plane' : <DeviceName {...device} />}</span>
    ),
  },
  {
    id: 'what',
    header: 'What',
    width: 'minmax(120px, 1fr)',
    cell: (entry) => {
      const { what, code } = summarise(entry);
      return <span title={code}>{what}</span>;
    },
  },
  {
    id: 'target',
    header: 'To what',
    width: 'minmax(120px, 2fr)',
    from: 640,
    cell: (entry) => <span className="text-ink-2">{summarise(entry).target}</span>,
  },
  {
    id: 'leaf',
    header: 'Leaf hash',
    width: '136px',
    from: 820,
    cell: ({ leaf }) => <code className="font-mono text-xs text-ink-3">{leaf.slice(0, 16)}…</code>,
  },
];
