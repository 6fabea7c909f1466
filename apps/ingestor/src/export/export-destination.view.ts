import {
  type ExportDestination,
  ExportFilter,
  ExportKind,
  ExportSettings,
  type ExportState,
} from '@raypher/shared/rest';
import type { ExportCursor, ExportDestination as Row } from '../generated/prisma/client.ts';

/** @param end how many places the log has */
export function showDestination(
  row: Row,
  cursor: ExportCursor,
  end: bigint,
  behindSince: Date | undefined,
): ExportDestination {
  return {
    id: row.id,
    kind: ExportKind.parse(row.kind),
    name: row.name,
    address: row.address,
    settings: ExportSettings.parse(row.settings),
    filter: ExportFilter.parse(row.filter),
    hasCa: row.ca !== null,
    enabled: row.enabled,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    updatedBy: row.updatedBy,
    state: {
      status: statusOf(row, cursor, end),
      nextIndex: Number(cursor.nextIndex),
      behind: Math.max(0, Number(end - cursor.nextIndex)),
      behindSince: behindSince?.toISOString() ?? null,
      sent: Number(cursor.sent),
      sentAt: cursor.sentAt?.toISOString() ?? null,
      failingSince: cursor.failingSince?.toISOString() ?? null,
      failure: cursor.failure,
      retryAt: cursor.retryAt?.toISOString() ?? null,
    },
  };
}

function statusOf(row: Row, { failingSince, nextIndex }: ExportCursor, end: bigint): ExportState['status'] {
  if (!row.enabled) return 'off';
  if (failingSince !== null) return 'failing';
  return nextIndex < end ? 'sending' : 'idle';
}

/** What the audit keeps: never a secret. */
export function recorded({ id, kind, name, address, settings, filter, ca, enabled }: Row) {
  return { id, kind, name, address, settings, filter, hasCa: ca !== null, enabled };
}
