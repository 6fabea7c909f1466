import { describe, expect, test } from 'vitest';
import { decide } from './decide.ts';
import { explain } from './explain.ts';
import { parsePolicy } from './parse.ts';
import type { DataRequest } from './request.ts';
import { layerOf, snapshotOf } from './testing.ts';

const body = `
dlp:
  default: alert
  rules:
    - { id: projects, effect: block, detectors: [condor] }
  patterns:
    - { id: staff-number, pattern: 'EMP-[0-9]{6}', ignore_case: true, keywords: [employee, staff], class: person, severity: medium }
  dictionaries:
    - { id: condor, terms: [Project Condor] }
  fingerprints:
    - { id: letter, shingles: [1, 9007199254740991], least: 2, severity: critical }
`;
const found = (...detectors: string[]): DataRequest => ({
  action: 'data.out',
  findings: detectors.map((detector) => ({ class: 'custom', detector })),
});
const unscannable: DataRequest = { action: 'data.out', findings: null, host: 'files.example' };

describe("a document's own detectors", () => {
  test('are what the scanner is made of, under the name of their layer', () => {
    expect(snapshotOf(layerOf(body, 'team')).dlp.detectors).toEqual([
      {
        kind: 'pattern',
        id: 'team/staff-number',
        layer: 'team',
        category: 'person',
        severity: 'medium',
        pattern: 'EMP-[0-9]{6}',
        ignoreCase: true,
        keywords: ['employee', 'staff'],
      },
      {
        kind: 'dictionary',
        id: 'team/condor',
        layer: 'team',
        category: 'custom',
        severity: 'high',
        phrases: ['Project Condor'],
      },
      {
        kind: 'fingerprint',
        id: 'team/letter',
        layer: 'team',
        category: 'custom',
        severity: 'critical',
        shingles: [1, 9007199254740991],
        least: 2,
      },
    ]);
  });

  test('of all layers come together, the same id twice', () => {
    const { detectors } = snapshotOf(layerOf(body, 'local'), layerOf(body)).dlp;
    expect(detectors.filter(({ kind }) => kind === 'dictionary').map(({ id }) => id)).toEqual([
      'global/condor',
      'local/condor',
    ]);
  });

  test('are called by their short names in their own document, exceptions included', () => {
    const snapshot = snapshotOf(body);
    expect(decide(snapshot, found('global/condor'))).toMatchObject({ outcome: 'DENY', rule: 'projects' });
    expect(decide(snapshot, found('global/letter'))).toMatchObject({ outcome: 'ALLOW', rule: 'dlp/default' });
    const excepted = snapshotOf(
      `${body}exceptions: [{ id: press, rules: [projects], detectors: [condor], agents: { users: [ann] }, owner: o, reason: r, expires: 2999-01-01T00:00:00Z }]`,
    );
    const agent = { id: 'a', name: 'n', user: 'ann', libraries: [] };
    expect(decide(excepted, { ...found('global/condor'), agent })).toMatchObject({ rule: 'press' });
  });

  test('of another layer are not meant by the short name: a device cannot lend its finding a permission', () => {
    const lax = layerOf(
      'dlp: { default: block, rules: [{ id: ok, effect: allow, detectors: [condor] }], dictionaries: [{ id: condor, terms: [xy] }] }',
    );
    expect(decide(snapshotOf(lax), found('global/condor'))).toMatchObject({ outcome: 'ALLOW' });
    expect(decide(snapshotOf(lax), found('local/condor'))).toMatchObject({
      outcome: 'DENY',
      rule: 'dlp/default',
    });
  });

  test('of a layer in monitor mode block nothing, though a layer that enforces blocks what no rule names', () => {
    const strict = layerOf(
      'dlp: { default: block }\ntrust: { rules: [{ id: low, effect: deny, below: 500 }] }',
    );
    const watching = layerOf(body, 'team', 'monitor');
    const verdict = decide(snapshotOf(strict, watching), found('team/condor'));
    expect(verdict).toMatchObject({ outcome: 'DENY', enforced: false, effective: { outcome: 'ALLOW' } });
    expect(decide(snapshotOf(strict, watching), found('team/condor', 'email')).effective.outcome).toBe(
      'DENY',
    );
    const distrusted = {
      ...found('team/condor'),
      agent: { id: 'a', name: 'n', user: 'u', libraries: [], trust: 1 },
    };
    expect(decide(snapshotOf(strict, watching), distrusted).effective).toMatchObject({ rule: 'low' });
    expect(decide(snapshotOf(strict, layerOf(body, 'team')), found('team/condor')).effective.outcome).toBe(
      'DENY',
    );
  });

  test.each([
    ["patterns: [{ id: x, pattern: '(?=a)b' }]", /cannot be a pattern/],
    ["patterns: [{ id: x, pattern: 'a*' }]", /is found in an empty text/],
    ['patterns: [{ id: a/b, pattern: ab }]', /may only hold lower-case letters/],
    ['patterns: [{ id: x, pattern: ab, class: secret }]', /cannot be `secret`|must be `credential`/],
    ['patterns: [{ id: x, pattern: ab }], dictionaries: [{ id: x, terms: [yes] }]', /used more than once/],
    ['dictionaries: [{ id: x, terms: [] }]', /must not be empty/],
    ['fingerprints: [{ id: x, shingles: [1.5] }]', /must be a whole number/],
    ['on_unscannable: redact', /`dlp.on_unscannable` must be/],
  ])('%s is refused', (section, message) => {
    const parsed = parsePolicy(`apiVersion: raypher/v1\nmode: enforce\ndlp: { ${section} }`, {
      layer: 'global',
    });
    expect(parsed.ok ? [] : parsed.issues.map((issue) => issue.message)).toEqual([
      expect.stringMatching(message),
    ]);
  });
});

describe('placeholders that can be taken back', () => {
  const layer = (said: string, name: 'global' | 'team' | 'local', mode = 'enforce') =>
    layerOf(`dlp: { default: redact${said} }`, name, mode);

  test.each([
    ['nobody says', [layer('', 'global')], false],
    ['one says yes', [layer('', 'global'), layer(', reversible: true', 'team')], true],
    ['one says no', [layer(', reversible: false', 'global'), layer(', reversible: true', 'team')], false],
    [
      'a lower one says no',
      [layer(', reversible: true', 'global'), layer(', reversible: false', 'local')],
      false,
    ],
    ['one that only watches says yes', [layer(', reversible: true', 'global', 'monitor')], false],
    [
      'one that only watches says no',
      [layer(', reversible: true', 'global'), layer(', reversible: false', 'team', 'monitor')],
      true,
    ],
  ])('%s', (_name, layers, reversible) => {
    expect(snapshotOf(...layers).dlp.reversible).toBe(reversible);
  });

  test('are of no policy', () => {
    expect(snapshotOf().dlp).toEqual({
      detectors: [],
      reversible: false,
      identifiers: false,
      publishedAddresses: false,
    });
  });
});

describe('data that could not be scanned', () => {
  test.each([
    ['', 'DENY', undefined],
    [', on_unscannable: block', 'DENY', undefined],
    [', on_unscannable: alert', 'ALLOW', ['alert']],
    [', on_unscannable: allow', 'ALLOW', undefined],
    [', default: allow', 'DENY', undefined],
  ])('dlp%s: %s', (said, outcome, obligations) => {
    const redacts = `dlp: { rules: [{ id: mail, effect: redact, detectors: [email] }]${said} }`;
    const verdict = decide(snapshotOf(redacts), unscannable);
    expect(verdict.effective).toMatchObject({ outcome, rule: 'dlp/on_unscannable' });
    expect(verdict.obligations).toEqual(obligations);
    expect(explain(snapshotOf(redacts), unscannable).layers[0]?.opinion?.rule).toBe('dlp/on_unscannable');
  });

  test('is not let through by a redaction, which has nothing to replace, nor by a rule about findings', () => {
    const redacts =
      'dlp: { rules: [{ id: all, effect: redact, classes: ["*"] }, { id: ok, effect: allow, detectors: ["*"] }] }';
    expect(decide(snapshotOf(redacts), unscannable).effective).toMatchObject({ outcome: 'DENY' });
  });

  test('meets rules that are about something else', () => {
    const ours = 'dlp: { rules: [{ id: ours, effect: allow, destinations: [files.example] }] }';
    expect(decide(snapshotOf(ours), unscannable).effective).toMatchObject({ outcome: 'ALLOW', rule: 'ours' });
    expect(decide(snapshotOf(ours), { ...unscannable, host: 'b.example' }).effective.outcome).toBe('DENY');
  });

  test('of all layers the strictest decides, and an exception lifts that of its own', () => {
    const lax = layerOf('dlp: { on_unscannable: allow }');
    const strict = layerOf('dlp: { on_unscannable: block }', 'local');
    expect(decide(snapshotOf(lax, strict), unscannable).effective).toMatchObject({ layer: 'local' });
    const excepted = snapshotOf(
      'dlp: {}\nexceptions: [{ id: films, rules: [dlp/on_unscannable], destinations: [files.example], owner: o, reason: r, expires: 2999-01-01T00:00:00Z }]',
    );
    expect(decide(excepted, unscannable).effective).toMatchObject({ outcome: 'ALLOW', rule: 'films' });
  });
});

describe('what is looked for only where asked', () => {
  const asks = 'dlp: { default: allow, identifiers: true, published_addresses: find }';
  const silent = 'dlp: { default: block }';

  test('is looked for when a layer that enforces says so, whatever the others say', () => {
    const { dlp } = snapshotOf(layerOf(silent), layerOf(asks, 'team'));
    expect(dlp).toMatchObject({ identifiers: true, publishedAddresses: true });
  });

  test('gives a layer that enforces nothing to act on when one asks that only watches', () => {
    const { dlp } = snapshotOf(layerOf(silent), layerOf(asks, 'team', 'monitor'));
    expect(dlp).toMatchObject({ identifiers: false, publishedAddresses: false });
  });

  test('is seen where every layer only watches', () => {
    const { dlp } = snapshotOf(layerOf(silent, 'global', 'monitor'), layerOf(asks, 'team', 'monitor'));
    expect(dlp).toMatchObject({ identifiers: true, publishedAddresses: true });
  });
});
