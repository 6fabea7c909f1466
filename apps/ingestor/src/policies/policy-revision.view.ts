import { PolicyDocuments, type PolicyRevision } from '@raypher/shared/rest';

interface RevisionRow {
  revision: bigint;
  documents: unknown;
  reason: string;
  rolledBackTo: bigint | null;
  createdBy: string;
  createdAt: Date;
}

export function showRevision(
  row: RevisionRow,
  digests: ReadonlyMap<bigint, string>,
  running: bigint,
): PolicyRevision {
  return {
    revision: Number(row.revision),
    documents: PolicyDocuments.parse(row.documents),
    digest: digests.get(row.revision) ?? '',
    reason: row.reason,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    rolledBackTo: row.rolledBackTo === null ? null : Number(row.rolledBackTo),
    running: row.revision === running,
  };
}
