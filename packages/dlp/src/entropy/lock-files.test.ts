import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createScanner } from '../detect/create-scanner.ts';

const scanner = createScanner();
const digest = (text: string, encoding: 'hex' | 'base64') =>
  createHash('sha256').update(text).digest(encoding);
const lines = (write: (name: string) => string) =>
  Array.from({ length: 200 }, (_, at) => write(`package-${at}`)).join('\n');

test.each<[string, string]>([
  ['npm', readFileSync(new URL('../../../../package-lock.json', import.meta.url), 'utf8').slice(0, 200_000)],
  ['Go', lines((name) => `example.com/${name} v1.2.3 h1:${digest(name, 'base64')}`)],
  ['Rust', lines((name) => `[[package]]\nname = "${name}"\nchecksum = "${digest(name, 'hex')}"\n`)],
  ['Python', lines((name) => `${name}==1.0 \\\n    --hash=sha256:${digest(name, 'hex')}`)],
  [
    'yarn',
    lines((name) => `"${name}@^1.0.0":\n  version "1.0.0"\n  integrity sha256-${digest(name, 'base64')}`),
  ],
])('a lock file of %s holds random text and no secrets', (_which, text) => {
  expect(scanner.scan(text)).toEqual([]);
});

test('a token without a name that looks as random is still found', () => {
  const token = digest('a token', 'base64').replace(/[+/=]/g, 'x');
  expect(scanner.scan(`here it is: ${token}`)).toMatchObject([{ category: 'unknown-secret' }]);
});
