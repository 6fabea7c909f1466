import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaypherError } from '@raypher/shared/errors';
import { expect, test } from 'vitest';
import { cannotRead, cannotWrite } from './file-fault.ts';

const folder = mkdtempSync(join(tmpdir(), 'raypher-fault-'));
const file = join(folder, 'file');
writeFileSync(file, '');

function causeOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (cause) {
    return cause;
  }
}

test.each([
  [join(folder, 'nothing'), 'there is no such file', undefined],
  [join(file, 'below'), 'there is no such file', undefined],
  [folder, 'it is a folder', 'Expected is a text.'],
])('reading %s is not found: %s', (path, why, hint) => {
  const fault = cannotRead(
    path,
    causeOf(() => readFileSync(path)),
    'a text',
  );
  expect(fault).toMatchObject({
    code: 'request/not-found',
    message: `${path} cannot be read: ${why}.`,
    hint,
  });
});

test.each([
  [join(folder, 'nothing', 'below'), 'request/not-found', 'there is no such folder'],
  [join(file, 'below'), 'request/invalid', 'a part of its path is a file'],
  [folder, 'request/invalid', 'it is a folder'],
  ['/dev/full', 'store/full', 'its file system is full'],
])('writing %s is %s: %s', (path, code, why) => {
  const fault = cannotWrite(
    path,
    causeOf(() => writeFileSync(path, 'x')),
  );
  expect(fault).toMatchObject({ code, message: `${path} cannot be written: ${why}.` });
});

test('what is ours already stays as it is', () => {
  const ours = new RaypherError('config/invalid', 'Other users can write there.');
  expect(cannotWrite(file, ours)).toBe(ours);
});
