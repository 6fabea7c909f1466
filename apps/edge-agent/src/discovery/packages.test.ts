import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inTime } from './files.test-support.ts';
import { packagesOfSource } from './packages.ts';

test('a script made of blanks is read as quickly as any other', async () => {
  const script = join(mkdtempSync(join(tmpdir(), 'raypher-source-')), 'bot.mjs');
  writeFileSync(script, `import x from 'openai';\nimport${' '.repeat(500_000)}`);
  const program = { kind: 'script' as const, path: script, arguments: [] };
  const entry = {
    runtime: 'node' as const,
    program,
    script,
    projectDirectory: undefined,
    ownPackage: undefined,
    isDevelopmentTool: false,
  };
  const started = performance.now();
  const found = await inTime((files) => packagesOfSource(entry, files));
  expect(found.map(({ name }) => name)).toEqual(['openai']);
  expect(performance.now() - started).toBeLessThan(10_000);
});
