import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parsePolicy } from './parse.ts';
import { quickestMs } from './quickest-ms.test-support.ts';
import { excessOf, MAX_SYNTAX, syntaxOf } from './source-limits.ts';

/** As much as a request may carry. */
const MOST = 1_000_000;
const QUICK_MS = 500;

test.each([
  ['commas', `[${','.repeat(MOST - 10)}]`, /so many parts/],
  ['open brackets', '['.repeat(MOST), /nested/],
  ['open braces', '{a: '.repeat(MOST / 4), /nested/],
  ['anchors', '&a '.repeat(MOST / 3), /so many parts/],
  ['keys that are asked for', '?\n'.repeat(MOST / 2), /so many parts/],
  ['directives', '%a b\n'.repeat(MOST / 5), /so many parts/],
  ['sequences within sequences', '- '.repeat(3000), /line begins with/],
  ['keys within keys', '? '.repeat(3000), /line begins with/],
  ['both in turns', '- ? : '.repeat(1000), /line begins with/],
  ['indentation', `${' '.repeat(900)}a`, /indented/],
])('a source that is all %s is refused at once, with its place', (_name, source, why) => {
  const parse = () => parsePolicy(source, { layer: 'global' });
  expect(quickestMs(parse)).toBeLessThan(QUICK_MS);
  expect(parse()).toMatchObject({
    ok: false,
    issues: [{ code: 'policy/syntax', message: expect.stringMatching(why) }],
  });
});

test('ten thousand rules are well within the limits, in JSON and in YAML', () => {
  const rules = Array.from({ length: 10_000 }, (_, at) => ({
    id: `rule-${at}`,
    effect: 'deny',
    destinations: [`*.bad-${at}.example`],
  }));
  const json = JSON.stringify({ apiVersion: 'raypher/v1', mode: 'monitor', network: { rules } });
  const yaml = `network:\n  rules:\n${rules.map(({ id }) => `    - id: ${id}\n      effect: deny\n      destinations: ['${id}.example']\n`).join('')}`;
  for (const source of [json, yaml]) {
    expect(excessOf(source)).toBeUndefined();
    expect(syntaxOf(source)).toBeLessThan(MAX_SYNTAX * 0.7);
  }
});

test('a document on one line with spaces after its colons is a document', () => {
  const rules = Array.from({ length: 500 }, (_, at) => ({
    id: `rule-${at}`,
    effect: 'deny',
    destinations: ['a.example'],
  }));
  const text = JSON.stringify({ apiVersion: 'raypher/v1', mode: 'monitor', network: { rules } });
  // As Python writes it.
  const spaced = text.replaceAll(':', ': ').replaceAll(',', ', ');
  expect(parsePolicy(spaced, { layer: 'global' })).toMatchObject({ ok: true });
});

test('patterns that escape a bracket are not taken for nesting', () => {
  const patterns = Array.from({ length: 300 }, (_, at) => `  - 'error ${at} \\[x'`).join('\n');
  expect(excessOf(`apiVersion: raypher/v1\nx:\n${patterns}\n`)).toBeUndefined();
});

test('as deep as it may be, a document is parsed and refused for what it says, in a fresh process too', async () => {
  const parser = new URL('./parse.ts', import.meta.url).href;
  const script = `const { parsePolicy } = await import(${JSON.stringify(parser)});
    for (const [open, close] of [['[', ']'], ['{a: ', '}']])
      console.log(parsePolicy(open.repeat(256) + close.repeat(256), { layer: 'global' }).ok);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  expect(stdout).toBe('false\nfalse\n');
});

test('brackets and dashes in texts are texts', () => {
  const texts = ['a[b]{c}', '- - -', '[[:alpha:]]', 'a - b - c: d']
    .map((text) => JSON.stringify(text))
    .join(', ');
  expect(excessOf(`apiVersion: raypher/v1\nx: [${texts}]\n`)).toBeUndefined();
});
