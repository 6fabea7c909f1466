import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemServiceHint } from './system-service.ts';

const system = mkdtempSync(join(tmpdir(), 'raypher-system-'));
const own = '/home/ada/.local/state/raypher';

test('who looks into a folder of their own is led to the service of the system', () => {
  expect(systemServiceHint(own, { own, system })).toMatch(
    new RegExp(`A service of this system is installed.*${system}.*sudo.*--data-dir`),
  );
});

test.each([
  ['a folder that was named', '/srv/raypher', { own, system }],
  ['a system without one', own, { own, system: join(system, 'nothing') }],
  ['root, whose own folder is that of the system', system, { own: system, system }],
])('%s gets no such hint', (_, dataDir, folders) => {
  expect(systemServiceHint(dataDir, folders)).toBeUndefined();
});
