import { canonicalBytes } from '@raypher/ledger';
import { EventType, LedgerEntry } from '@raypher/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readQuickly } from './quick-entry.ts';
import { readInFull } from './read-entry.ts';

const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
const plain = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'abcXYZ 019./:-_,{}[]é你😀'), maxLength: Math.min(maxLength, 40) });
const anyText = fc.string({ unit: 'grapheme', maxLength: 30 });
const fact = fc.oneof(
  fc.oneof(plain(40), anyText),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.boolean(),
  fc.array(anyText, { maxLength: 5 }),
);
const data = fc.dictionary(
  fc.oneof(fc.stringMatching(/^[a-zA-Z]{1,10}$/), fc.stringMatching(/^\d{1,3}$/), anyText),
  fact,
  {
    maxKeys: 6,
  },
);

const entry = fc.record(
  {
    v: fc.constant(1),
    organisation: fc.uuid(),
    device: fc.uuid(),
    seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    prev: digest,
    at: fc
      .date({ min: new Date(0), max: new Date(Date.UTC(9999, 0, 1)), noInvalidDate: true })
      .map((date) => date.toISOString()),
    type: fc.constantFrom(...EventType.options),
    severity: fc.constantFrom('info', 'notice', 'warning', 'critical'),
    actor: fc.record(
      {
        kind: fc.constantFrom('ai-agent', 'edge-agent', 'user', 'control-plane', 'process'),
        id: plain(128),
        name: fc.oneof(plain(40), anyText),
        pid: fc.nat(),
        user: plain(40),
      },
      { requiredKeys: ['kind', 'id', 'name'] },
    ),
    action: plain(128),
    target: plain(2048),
    verdict: fc.record({
      outcome: fc.constantFrom('ALLOW', 'DENY', 'PROMPT'),
      mode: fc.constantFrom('enforce', 'monitor'),
      layer: fc.constantFrom('global', 'team', 'local', 'builtin'),
      rule: plain(128),
      reason: plain(1000),
      revision: fc.nat(),
    }),
    data,
    private: digest,
  },
  {
    requiredKeys: [
      ...([
        'v',
        'organisation',
        'device',
        'seq',
        'prev',
        'at',
        'type',
        'severity',
        'actor',
        'action',
      ] as const),
      'target',
      'data',
    ],
  },
);

function inFull(bytes: Buffer): { entry: LedgerEntry; text: string } | undefined {
  try {
    return readInFull(bytes);
  } catch {
    return undefined;
  }
}

/** Taken quickly means taken in full, with the same value. */
function expectNoMoreThanInFull(bytes: Buffer): void {
  const quick = readQuickly(bytes);
  if (quick !== undefined)
    expect(quick).toMatchObject({ entry: inFull(bytes)?.entry, text: inFull(bytes)?.text });
}

const ORDINARY = {
  v: 1,
  organisation: '890cae8f-8207-43fd-9cb4-348932386efc',
  device: '2e897956-5f1e-46a8-aeab-78bc7d67637e',
  seq: 7,
  prev: 'ab'.repeat(32),
  at: '2026-11-30T20:21:36.036Z',
  type: 'network.request',
  severity: 'info',
  actor: { kind: 'ai-agent', id: 'a1', name: 'agent.py', pid: 12, user: 'ada' },
  action: 'call',
  target: 'api.example.com/v1/chat',
  verdict: { outcome: 'ALLOW', mode: 'enforce', layer: 'global', rule: 'r', reason: '', revision: 3 },
  data: { costMicros: 12.5, denied: false, hosts: ['a', 'b'], model: 'gpt "4"', status: 200 },
};
const ordinaryText = Buffer.from(canonicalBytes(ORDINARY)).toString('utf8');

describe('the quick reader', () => {
  it('reads what agents write', () => {
    expect(readQuickly(Buffer.from(ordinaryText))).toEqual({
      entry: ORDINARY,
      text: ordinaryText,
      isPlain: false,
    });
    const plain = Buffer.from(ordinaryText.replace('gpt \\"4\\"', 'gpt'));
    expect(readQuickly(plain)).toMatchObject({ isPlain: true });
  });

  it('gives the very value of the schema for every entry that it takes, and takes most', () => {
    let taken = 0;
    fc.assert(
      fc.property(entry, (value) => {
        const bytes = Buffer.from(canonicalBytes(value));
        const quick = readQuickly(bytes);
        if (quick === undefined) return;
        taken += 1;
        expect(quick.entry).toEqual(inFull(bytes)?.entry);
        // The form of RFC 8785 has no negative zero.
        expect(quick.entry).toEqual(LedgerEntry.parse(JSON.parse(bytes.toString())));
      }),
      { numRuns: 1_000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('takes nothing that was changed by a byte unless the long way takes it too', () => {
    const change = fc.record({
      at: fc.nat(),
      byte: fc.nat(255),
      how: fc.constantFrom('set', 'insert', 'delete', 'twice'),
    });
    fc.assert(
      fc.property(
        fc.oneof(entry, fc.constant(ORDINARY)),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (value, changes) => {
          let bytes = Buffer.from(canonicalBytes(value));
          for (const { at, byte, how } of changes) {
            const place = at % bytes.length;
            const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
            if (how === 'set') bytes = Buffer.concat([before, Buffer.of(byte), after.subarray(1)]);
            if (how === 'insert') bytes = Buffer.concat([before, Buffer.of(byte), after]);
            if (how === 'delete') bytes = Buffer.concat([before, after.subarray(1)]);
            if (how === 'twice') bytes = Buffer.concat([before, after, after]);
          }
          expectNoMoreThanInFull(bytes);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  const near = (from: string, to: string): [string, string] => [
    `${from} → ${to}`,
    ordinaryText.replace(from, to),
  ];
  it.each<[string, string]>([
    near('"call"', '"c\\u0061ll"'),
    near('"call"', '"call" '),
    near('12.5', '12.50'),
    near('12.5', '1.25e1'),
    near('12.5', '-0'),
    near('12.5', '1e999'),
    near('12.5', '012'),
    near('false', 'null'),
    near('["a","b"]', '["a",1]'),
    near('["a","b"]', '[["a"]]'),
    near('["a","b"]', '{}'),
    near('"denied":false', '"a":1,"denied":false'),
    near('"denied":false', '"costMicros":1,"denied":false'),
    near('"denied":false', '"__proto__":1,"denied":false'),
    near('"status":200', '"status":200},"device":"2e897956-5f1e-46a8-aeab-78bc7d67637e"'),
    near('"data":{', '"data":{"a":{},'),
    near('"data":{', '"data":{"10":1,"9":1,'),
    near('"data":{', '"data":{"9":1,"10":1,'),
    near('gpt', '\\ud800'),
    near('gpt', '\\u00e9'),
    near('gpt', '\\/'),
    near('"seq":7', '"seq":0'),
    near('"seq":7', '"seq":-7'),
    near('"seq":7', '"seq":7.0'),
    near('"seq":7', '"seq":9007199254740993'),
    near('"v":1', '"v":2'),
    near('2026-11-30', '2026-02-30'),
    near('2026-11-30', '2026-13-30'),
    near('T20', 'T24'),
    near('2026', '1969'),
    near('2026', '0000'),
    near('2026', '+2026'),
    near('.036Z', 'Z'),
    near('network.request', 'network.requests'),
    near('call', 'x'.repeat(129)),
    near('agent.py', 'x'.repeat(257)),
    near('api.example.com', 'x'.repeat(2049)),
    near('890cae8f', '890CAE8F'),
    near('"user":"ada"', '"user":"ada","x":1'),
    near('"rule":"r"', '"rule":"r","x":1'),
    near('"pid":12', '"pid":1e1'),
    near('"pid":12,"user":"ada"', '"user":"ada","pid":12'),
    ['a byte order mark', `\ufeff${ordinaryText}`],
    ['something behind it', `${ordinaryText}\n`],
  ])('agrees with the long way about %s', (_what, text) => {
    expect(text).not.toBe(ordinaryText);
    expectNoMoreThanInFull(Buffer.from(text));
  });

  it('takes no bytes that are not UTF-8', () => {
    const bytes = Buffer.from(ordinaryText);
    bytes[bytes.indexOf('api')] = 0xff;
    expect(readQuickly(bytes)).toBeUndefined();
    // Cut short in the middle of a character, three bytes become one replacement character of three.
    const cut = Buffer.from(ordinaryText.replace('api', '\u{1f600}'.slice(0)));
    const at = cut.indexOf(0xf0);
    expect(readQuickly(Buffer.concat([cut.subarray(0, at + 3), cut.subarray(at + 4)]))).toBeUndefined();
  });

  it('needs no more than its length in time for an entry made to mislead it', () => {
    const trap = `,"device":"${ORDINARY.device}","organisation":"${ORDINARY.organisation}","prev":"${ORDINARY.prev}","seq":1,"severity":"info","target":"`;
    const long = ordinaryText.replace('"data":{', `"data":{"a":{}${`${trap}{}"`.repeat(200)},`);
    // The quickest of a few: what else the machine does at one moment is not ours.
    const times = Array.from({ length: 5 }, () => {
      const began = performance.now();
      expect(readQuickly(Buffer.from(long))).toBeUndefined();
      return performance.now() - began;
    });
    expect(Math.min(...times)).toBeLessThan(50);
  });
});
