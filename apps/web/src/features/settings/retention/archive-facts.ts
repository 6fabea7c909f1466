import type { ArchiveStatus } from '@raypher/shared/rest';

const STATES: Record<ArchiveStatus['state'], string> = {
  'not-configured': 'None: nothing leaves the database',
  ok: 'As it should be',
  unreachable: 'Does not answer',
  conflict: 'Has something else where an object should be',
  corrupted: 'Not what was recorded',
};

/** What there is to say about the archive, for people. */
export function archiveFacts(status: ArchiveStatus | undefined): { name: string; value: string }[] {
  if (status === undefined) return [];
  const { destination, state, problem, logSize, archivedSize, checkedSize, verifiedAt, verifiedSize } =
    status;
  const archive = {
    name: 'Archive',
    value: problem === null ? STATES[state] : `${STATES[state]}. ${problem}`,
  };
  if (destination === null) return [archive];
  const count = (entries: number) => entries.toLocaleString('en');
  return [
    archive,
    { name: 'Place', value: destination },
    {
      name: 'Archived',
      value: `${count(archivedSize)} of ${count(logSize)} entries, ${count(checkedSize)} read back`,
    },
    {
      name: 'Verified',
      value:
        verifiedAt === null
          ? 'Not yet as a whole'
          : `${count(verifiedSize)} entries on ${verifiedAt.slice(0, 10)}`,
    },
  ];
}
