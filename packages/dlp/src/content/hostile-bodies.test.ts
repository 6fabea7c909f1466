import { describe, expect, it } from 'vitest';
import { createScanner } from '../detect/create-scanner.ts';
import { inspectBody } from './inspect.ts';
import { redactAll } from './sample-placeholders.ts';

const scanner = createScanner();
const utf8 = new TextEncoder();
const key = `ghp_${'q7ZkR2fw9VxT4jHc8Gp3bM6tq7ZkR2fw9VxT'}`;
const codes = [...key].map((character) => character.charCodeAt(0));
const hex = (code: number, width = 2) => code.toString(16).padStart(width, '0');
const base64 = (text: string) => Buffer.from(text).toString('base64');
const ask = (content: string) => utf8.encode(JSON.stringify({ messages: [{ role: 'user', content }] }));

/** The same key as a person or a program may write it so that another one reads it. */
const DISGUISES: Record<string, string> = {
  'zero width characters': [...key].join('\u200b'),
  'soft hyphens': `${key.slice(0, 20)}\u00ad${key.slice(20)}`,
  'variation selectors': `${key.slice(0, 20)}\ufe0f${key.slice(20)}`,
  tags: codes.map((code) => String.fromCodePoint(0xe0000 + code)).join(''),
  'tags in between': `${key.slice(0, 20)}${String.fromCodePoint(0xe0041)}${key.slice(20)}`,
  'fullwidth forms': codes.map((code) => String.fromCharCode(code + 0xfee0)).join(''),
  'a Cyrillic letter': key.replace('p', '\u0440'),
  'two literals joined': `const token = "${key.slice(0, 3)}" + "${key.slice(3)}";`,
  'three literals joined': `t = '${key.slice(0, 9)}' . '${key.slice(9, 20)}' . '${key.slice(20)}'`,
  'literals on two lines': `("${key.slice(0, 20)}"\n    "${key.slice(20)}")`,
  'a line break': `${key.slice(0, 20)}\n${key.slice(20)}`,
  'a continued line': `${key.slice(0, 20)}\\\n${key.slice(20)}`,
  'Markdown escapes': key.replace('_', '\\_'),
  'percent encoding': codes.map((code) => `%${hex(code)}`).join(''),
  'percent encoding in part': `${codes
    .slice(0, 6)
    .map((code) => `%${hex(code)}`)
    .join('')}${key.slice(6)}`,
  'character references': codes.map((code) => `&#${code};`).join(''),
  'hexadecimal references': codes.map((code) => `&#x${hex(code)};`).join(''),
  'byte escapes': codes.map((code) => `\\x${hex(code)}`).join(''),
  'unicode escapes': codes.map((code) => `\\u${hex(code, 4)}`).join(''),
  'hexadecimal digits': Buffer.from(`the key is ${key}`).toString('hex'),
  base64: base64(`the key is ${key}`),
  'base64 of base64': base64(base64(`the key is ${key}`)),
  'base64 three times': base64(base64(base64(`the key is ${key}`))),
  'base64 for URLs, not padded': Buffer.from(`~~~??? ${key}`).toString('base64url'),
  'base64 in lines': base64(`the key is ${key}${' '.repeat(80)}`).replace(/(.{76})/g, '$1\n'),
  'JSON of JSON of JSON': JSON.stringify({ a: JSON.stringify({ b: JSON.stringify({ key }) }) }),
  'a data URI': `data:text/plain;base64,${base64(`k ${key}`)}`,
};

describe('a key in disguise', () => {
  it.each(Object.entries(DISGUISES))('%s', (_, content) => {
    const body = ask(content);
    const inspection = inspectBody(body, 'application/json', { scanner });
    expect(inspection.parts.flatMap(({ findings }) => findings.map(({ detector }) => detector))).toContain(
      'github-pat',
    );
    // And it is taken out: what is left holds none of it.
    const again = inspectBody(inspection.rewrite(redactAll).content, 'application/json', { scanner });
    expect(again.parts.flatMap(({ findings }) => findings)).toEqual([]);
  });

  it.each(['\u0660', '\u0966', '\u0e50', '\uff10'])('card digits of another script: %s', (zero) => {
    const digits = [...'4111111111111111'].map((digit) =>
      String.fromCharCode(zero.charCodeAt(0) + Number(digit)),
    );
    expect(scanner.scan(`card ${digits.join('')}`).map(({ detector }) => detector)).toEqual(['payment-card']);
  });

  it('is counted once where it needs no other reading, however many stand in lines', () => {
    const keys = Array.from({ length: 120 }, (_, at) => `${key.slice(0, -3)}${String(at).padStart(3, '0')}`);
    const { parts } = inspectBody(ask(keys.join('\n')), 'application/json', { scanner });
    expect(parts.flatMap(({ findings }) => findings)).toHaveLength(120);
  });

  it('typography, emoji and words of two scripts are none', () => {
    const texts = [
      'It\u2019s 1\ufe0f\u20e3 \u2014 \u201cfine\u201d\u2026 \u2764\ufe0f 2020\u20132024',
      '\u043a\u0430\u0431\u0435\u043b\u044c USB-\u043a\u0430\u0431\u0435\u043b\u044c x86-\u043a\u043e\u0434',
      'const greeting = "hello " + "world" + "and so on";',
      '100%25 of %s &#8212; and \\x00\\x01 C:\\_build',
    ];
    for (const text of texts)
      expect(
        inspectBody(ask(text), 'application/json', { scanner }).parts.flatMap((part) => part.findings),
      ).toEqual([]);
  });
});

function cpuTime(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe('bodies made to stall', { timeout: 60_000 }, () => {
  const SIZE = 300_000;
  const fill = (unit: string) => unit.repeat(Math.floor(SIZE / unit.length));
  const silent = { scanner: { version: '', longestFinding: 1, scan: () => [] } };
  const inspect =
    (text: string, type = 'application/json') =>
    () =>
      void inspectBody(utf8.encode(text), type, silent);
  const prose = JSON.stringify({ messages: [{ content: fill('Some prose of words, 2 weeks later. ') }] });
  inspect(prose)();
  const ordinary = Math.max(2, cpuTime(() => [1, 2, 3, 4].forEach(inspect(prose))) / 4);
  const parts = fill('--b\r\n\r\nx\r\n');
  const TYPES = [
    'application/json',
    'application/x-www-form-urlencoded',
    'multipart/mixed; boundary=b',
    'text/plain',
  ];

  it.each([
    '[',
    '{"a":',
    '"',
    '\\',
    '\\u0041',
    '\\"',
    '%41',
    '%',
    '&#65;',
    '\\x41',
    'data:',
    'data:;base64,QUFB',
    '--b\r\n',
    '=\r\n',
    'A',
    'aaaaaaaaaaaaa\n',
    'aa"+"',
    'aa"aa"',
    'ab\\_',
    '41',
    '\u200b',
    '\u0661',
    '\u0430a',
    '\u{e0041}',
  ])('%j again and again', (unit) => {
    for (const type of TYPES) {
      const ratio = () => cpuTime(inspect(fill(unit), type)) / ordinary;
      expect([type, Math.min(ratio(), ratio()) < 300]).toEqual([type, true]);
    }
  });

  it('a multipart body of very many tiny parts', () => {
    const ratio = () => cpuTime(inspect(`${parts}--b--`, 'multipart/form-data; boundary=b')) / ordinary;
    expect(Math.min(ratio(), ratio())).toBeLessThan(300);
  });

  it('of more texts than anybody sends, some are looked at, it says so, and every byte is still there', () => {
    const items = Array.from({ length: 55_000 }, (_, at) => `x${at}`);
    const text = JSON.stringify({ first: key, items, last: key });
    const inspection = inspectBody(utf8.encode(text), 'application/json', { scanner });
    expect(inspection.obstacles).toEqual([{ path: '', reason: 'size' }]);
    expect(inspection.parts.length).toBeLessThan(50_010);
    const { content, replaced } = inspection.rewrite(() => 'gone');
    expect(replaced).toBe(1);
    expect(Buffer.from(content).toString()).toBe(text.replace(key, 'gone'));
    const form = 'a=b&'.repeat(55_000);
    const type = 'application/x-www-form-urlencoded';
    expect(inspectBody(utf8.encode(form), type, { scanner }).obstacles).toHaveLength(1);
  });

  it('base64 of a megabyte, and JSON deeper than anybody nests', () => {
    const found = (text: string) =>
      inspectBody(utf8.encode(text), 'application/json', { scanner }).parts.flatMap(
        ({ findings }) => findings,
      );
    const deep = 20_000;
    expect(found(`${'['.repeat(deep)}${JSON.stringify(key)}${']'.repeat(deep)}`)).not.toEqual([]);
    expect(
      found(JSON.stringify({ file: base64(`${'words and words '.repeat(50_000)} ${key} `) })),
    ).not.toEqual([]);
  });
});
