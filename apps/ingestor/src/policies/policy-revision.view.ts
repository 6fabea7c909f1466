import { PolicyDocuments, type PolicyDrift, type PolicyRevision, PolicySource } from '@raypher/shared/rest';
import { readStage } from '../rollouts/stage-membership.ts';

export interface RevisionRow {
  revision: bigint;
  documents: unknown;
  tests: unknown;
  source: unknown;
  stage: unknown;
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
    tests: PolicyDocuments.parse(row.tests),
    source: readSource(row.source),
    stage: readStage(row.stage),
    digest: digests.get(row.revision) ?? '',
    reason: row.reason,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    rolledBackTo: row.rolledBackTo === null ? null : Number(row.rolledBackTo),
    running: row.revision === running,
  };
}

export function readSource(column: unknown): PolicySource | null {
  return column === null ? null : PolicySource.parse(column);
}

/**
 * Whether what runs is something else than what a repository applied last.
 *
 * @param applied the newest revision that came from a repository
 */
export function driftOf(running: RevisionRow, applied: RevisionRow | null): PolicyDrift | null {
  const source = applied === null ? null : readSource(applied.source);
  if (applied === null || source === null || applied.revision === running.revision) return null;
  if (isSamePolicy(running, applied)) return null;
  return {
    source,
    appliedRevision: Number(applied.revision),
    changedBy: running.createdBy,
    changedAt: running.createdAt.toISOString(),
  };
}

/** Whether two revisions hold the same documents and tests, in whatever order. */
export function isSamePolicy(
  one: Pick<RevisionRow, 'documents' | 'tests'>,
  other: Pick<RevisionRow, 'documents' | 'tests'>,
): boolean {
  return (
    canonical(one.documents) === canonical(other.documents) && canonical(one.tests) === canonical(other.tests)
  );
}

function canonical(column: unknown): string {
  const documents = PolicyDocuments.parse(column).filter(({ source }) => source.trim() !== '');
  return JSON.stringify(documents.map(({ layer, team, source }) => [layer, team ?? '', source]).toSorted());
}
