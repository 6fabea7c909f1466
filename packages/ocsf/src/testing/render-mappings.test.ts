import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderMappings } from './render-mappings.ts';

const DOCUMENT = new URL('../../../../docs/ocsf.md', import.meta.url);
const BEGIN = '<!-- from packages/ocsf/src/event-mappings.ts -->\n';
const END = '<!-- end -->\n';

/** RAYPHER_WRITE_OCSF=1 writes it anew. */
test('docs/ocsf.md says how entries are mapped', () => {
  const written = readFileSync(DOCUMENT, 'utf8');
  const [before, rest = ''] = written.split(BEGIN);
  const [, after = ''] = rest.split(END);
  const expected = `${before}${BEGIN}${renderMappings()}${END}${after}`;
  if (process.env.RAYPHER_WRITE_OCSF === '1') writeFileSync(DOCUMENT, expected);
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(expected);
});
