import type { ArchiveStatus } from '@raypher/shared/rest';
import { expect, test } from 'vitest';
import { archiveFacts } from './archive-facts.ts';

const STATUS: ArchiveStatus = {
  destination: 's3://s3.example/archive',
  state: 'ok',
  problem: null,
  logSize: 12_000,
  archivedSize: 11_000,
  archivedAt: '2026-11-30T12:00:00.000Z',
  checkedSize: 10_000,
  checkedAt: '2026-11-30T12:00:00.000Z',
  verifiedSize: 9_000,
  verifiedAt: '2026-11-29T12:00:00.000Z',
};

test('says where the archive is, how far it reaches and when it was verified', () => {
  expect(archiveFacts(STATUS).map(({ value }) => value)).toEqual([
    'As it should be',
    's3://s3.example/archive',
    '11,000 of 12,000 entries, 10,000 read back',
    '9,000 entries on 2026-11-29',
  ]);
  expect(archiveFacts({ ...STATUS, verifiedAt: null }).at(-1)?.value).toBe('Not yet as a whole');
});

test('says what is wrong, and that without an archive nothing leaves the database', () => {
  const problem = 'Entry 7 of the archive is missing or was changed.';
  expect(archiveFacts({ ...STATUS, state: 'corrupted', problem })[0]?.value).toBe(
    `Not what was recorded. ${problem}`,
  );
  expect(archiveFacts({ ...STATUS, destination: null, state: 'not-configured' })).toEqual([
    { name: 'Archive', value: 'None: nothing leaves the database' },
  ]);
  expect(archiveFacts(undefined)).toEqual([]);
});
