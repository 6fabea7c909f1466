'use client';

import type { CheckpointView } from '@raypher/shared/rest';
import { CopyButton } from '@/components/copy.tsx';
import { EmptyState, ErrorState } from '@/components/states.tsx';
import { type Column, DataTable } from '@/components/table/data-table.tsx';
import { Time } from '@/components/time.tsx';
import { api } from '@/lib/api/client.ts';
import { keys } from '@/lib/api/keys.ts';
import { usePages } from '@/lib/api/use-pages.ts';
import { formatCount } from '@/lib/format/format.ts';

const COLUMNS: Column<CheckpointView>[] = [
  {
    id: 'size',
    header: 'Entries',
    width: '104px',
    align: 'end',
    cell: ({ size }) => formatCount(size),
  },
  {
    id: 'at',
    header: 'Signed',
    width: '112px',
    cell: ({ at }) => (
      <span className="text-ink-2">
        <Time at={at} />
      </span>
    ),
  },
  {
    id: 'root',
    header: 'Root',
    width: 'minmax(160px, 2fr)',
    cell: ({ root }) => <code className="truncate font-mono text-xs">{root}</code>,
  },
  {
    id: 'anchors',
    header: 'Seen by',
    width: 'minmax(120px, 1fr)',
    from: 640,
    cell: ({ anchors }) => (
      <span className="text-ink-2">{anchors.map(({ name }) => name).join(', ') || '–'}</span>
    ),
  },
  {
    id: 'copy',
    header: 'Note',
    width: '56px',
    cell: ({ note, size }) => <CopyButton text={note} label={`Copy the signed note over ${size} entries`} />,
  },
];

/** Every checkpoint that was signed, newest first. */
export function CheckpointsTab() {
  const checkpoints = usePages<CheckpointView>(keys.ledgerCheckpoints, (cursor) =>
    api.ledgerCheckpoints({ cursor, limit: 200 }),
  );
  if (checkpoints.error !== null && checkpoints.data === undefined) {
    return (
      <ErrorState
        what="The checkpoints could not be fetched."
        error={checkpoints.error}
        retry={() => void checkpoints.refetch()}
      />
    );
  }
  return (
    <DataTable
      label="Checkpoints"
      columns={COLUMNS}
      rows={checkpoints.rows}
      rowId={({ size }) => String(size)}
      rowLabel={({ size }) => `Checkpoint over ${size} entries`}
      loading={checkpoints.isPending}
      onNearEnd={checkpoints.more}
      empty={
        <EmptyState title="No checkpoint is signed yet">
          <p>One follows the first entries within a few seconds, and each growth of the log after that.</p>
        </EmptyState>
      }
    />
  );
}
