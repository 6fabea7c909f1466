import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { MAX_SOURCE_LENGTH, parsePolicy } from './parse.ts';

/** Properties are tried on thousands of policies; a busy machine takes its time. */
vi.setConfig({ testTimeout: 60_000 });

interface Mistake {
  name: string;
  source: string;
  issues: { code: string; line?: number; column?: number; path?: string; suggestion?: string }[];
}
const mistakes: Mistake[] = JSON.parse(
  readFileSync(new URL('../cases/mistakes.json', import.meta.url), 'utf8'),
);

describe('a document with mistakes is refused with the place of each:', () => {
  test.each(mistakes)('$name', ({ source, issues }) => {
    const parsed = parsePolicy(source, { layer: 'global' });
    expect(parsed).toMatchObject({ ok: false, issues });
  });
});

describe('a document without mistakes', () => {
  const yaml = [
    'apiVersion: raypher/v1',
    'mode: enforce # really',
    'network:',
    '  rules:',
    '    - id: no-deepseek',
    '      effect: deny',
    "      destinations: ['*.DeepSeek.com.', 0x7f.1, MÜNCHEN.de]",
  ].join('\n');

  test('comes back with defaults filled in and hosts in their canonical spelling', () => {
    expect(parsePolicy(yaml, { layer: 'team' })).toEqual({
      ok: true,
      layer: 'team',
      document: {
        apiVersion: 'raypher/v1',
        mode: 'enforce',
        network: {
          default: 'deny',
          rules: [
            {
              id: 'no-deepseek',
              effect: 'deny',
              destinations: ['*.deepseek.com', '127.0.0.1', 'xn--mnchen-3ya.de'],
            },
          ],
        },
      },
    });
  });

  test('is read back from JSON, and with Windows line ends, as the same document', () => {
    const parsed = parsePolicy(yaml, { layer: 'global' });
    if (!parsed.ok) throw new Error('expected a document');
    expect(parsePolicy(JSON.stringify(parsed.document), { layer: 'global' })).toEqual(parsed);
    expect(parsePolicy(yaml.replaceAll('\n', '\r\n'), { layer: 'global' })).toEqual(parsed);
  });
});

describe('hostile sources', () => {
  test('one character too many is refused unread', () => {
    const prefix = 'apiVersion: raypher/v1\nmode: monitor\nnetwork: {}\n#';
    const filled = prefix.padEnd(MAX_SOURCE_LENGTH, 'x');
    expect(parsePolicy(filled, { layer: 'global' }).ok).toBe(true);
    expect(parsePolicy(`${filled}x`, { layer: 'global' })).toMatchObject({
      ok: false,
      issues: [{ code: 'policy/syntax', line: 1, column: 1 }],
    });
  });

  test.each([
    ['aliases that double ten times each', aliasBomb()],
    ['deep lists', '['.repeat(100_000)],
    ['deep mappings', '{a: '.repeat(100_000)],
    ['deep sequences', `${'- '.repeat(50_000)}a`],
    ['very many keys', Array.from({ length: 100_000 }, (_, index) => `k${index}:`).join('\n')],
    ['very many brackets', '}'.repeat(100_000)],
  ])(
    '%s are refused in time, with few issues',
    (_name, source) => {
      const parsed = parsePolicy(source, { layer: 'global' });
      if (parsed.ok) throw new Error('expected a refusal');
      expect(parsed.issues.length).toBeGreaterThan(0);
      expect(parsed.issues.length).toBeLessThanOrEqual(50);
    },
    10_000,
  );

  test('a directive for another version of YAML changes nothing', () => {
    expect(parsePolicy('%YAML 1.1\n---\n<<: ', { layer: 'local' }).ok).toBe(false);
    const document = 'apiVersion: raypher/v1\nmode: monitor\ndlp: { reversible: on }\n';
    for (const source of [document, `%YAML 1.1\n---\n${document}`]) {
      expect(parsePolicy(source, { layer: 'local' })).toMatchObject({
        ok: false,
        issues: [{ path: 'dlp.reversible' }],
      });
    }
  });

  test('no text makes the parser throw, and every issue lies in the source', () => {
    const words = fc.constantFrom(
      'apiVersion: raypher/v1\n',
      'mode: enforce\n',
      'network:\n',
      '  rules:\n',
      '    - id: a\n',
      '      effect: deny\n',
      '      destinations: ["*"]\n',
      '{',
      '}',
      '[',
      ']',
      ':',
      '-',
      '&a ',
      '*a',
      '!!set ',
      '? ',
      '|\n',
      '"',
      "'",
      '#',
      '\t',
      '\n',
      '---\n',
      '...\n',
      '%YAML 1.1\n',
      '<<: ',
      '__proto__: ',
      'null',
    );
    const source = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 30 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(source, (text) => {
        const parsed = parsePolicy(text, { layer: 'local' });
        if (parsed.ok) return;
        const lines = text.split('\n');
        expect(parsed.issues.length).toBeGreaterThan(0);
        for (const issue of parsed.issues) {
          expect(issue.line).toBeGreaterThanOrEqual(1);
          expect(issue.endLine).toBeLessThanOrEqual(lines.length);
          expect(issue.column).toBeLessThanOrEqual((lines[issue.line - 1] ?? '').length + 1);
          expect(issue.endColumn).toBeLessThanOrEqual((lines[issue.endLine - 1] ?? '').length + 1);
          expect(issue.message).not.toBe('');
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function aliasBomb(): string {
  const lines = ['a0: &a0 [x]'];
  for (let level = 1; level < 30; level++) {
    lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
  }
  return lines.join('\n');
}

test('what was probably meant is in `suggestion` alone: whoever shows an issue shows it once', () => {
  const parsed = parsePolicy('apiVersion: raypher/v1\nmode: enforced\nnetwork:\n  defualt: deny\n', {
    layer: 'global',
  });
  const issues = parsed.ok ? [] : parsed.issues;
  expect(issues.map(({ suggestion }) => suggestion)).toEqual(expect.arrayContaining(['enforce', 'default']));
  for (const { message } of issues) expect(message).not.toContain('Did you mean');
});
