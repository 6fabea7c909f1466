import { canonicalBytes } from '@raypher/ledger';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ARRIVAL_BYTES, eventLine, LineWriter } from './event-lines.ts';
import { readQuickly } from './quick-entry.ts';
import { type CheckedEntry, readEntry } from './read-entry.ts';

const ORGANISATION = '890cae8f-8207-43fd-9cb4-348932386efc';
const DEVICE = '2e897956-5f1e-46a8-aeab-78bc7d67637e';
const hash = 'ab'.repeat(32);

function entryOf(words: readonly string[]): Buffer {
  const [id = '', name = '', action = '', target = '', rule = '', fact = ''] = words;
  const entry = {
    v: 1,
    organisation: ORGANISATION,
    device: DEVICE,
    seq: 7,
    prev: hash,
    at: '2026-11-30T20:21:36.036Z',
    type: 'network.request',
    severity: 'info',
    actor: { kind: 'ai-agent', id, name },
    action,
    target,
    verdict: { outcome: 'ALLOW', mode: 'enforce', layer: 'global', rule, reason: '', revision: 3 },
    data: { fact },
  };
  return Buffer.from(canonicalBytes(entry));
}

const word = fc.string({ unit: fc.constantFrom(...'ab \t\n\\é你😀"\u202e\u007f\0'), maxLength: 8 });
const plainWord = fc.string({ unit: fc.constantFrom(...'abc /.é你😀'), maxLength: 8 });
const words = fc.array(fc.oneof({ arbitrary: plainWord, weight: 9 }, word), { minLength: 6, maxLength: 6 });

describe('a line for COPY', () => {
  it('is the same whether its entry was read quickly or in full', () => {
    let quick = 0;
    fc.assert(
      fc.property(words, (said) => {
        const checked = readQuickly(entryOf(said));
        if (!checked?.isPlain) return;
        quick += 1;
        expect(eventLine(checked, hash)).toBe(eventLine({ ...checked, isPlain: false }, hash));
      }),
      { numRuns: 2_000 },
    );
    expect(quick).toBeGreaterThan(20);
  });

  it('has one column for each name, whatever the entry says', () => {
    fc.assert(
      fc.property(words, (said) => {
        const line = eventLine(readEntry(entryOf(said), ORGANISATION, DEVICE), hash);
        expect(line.split('\t')).toHaveLength(17);
        expect(line.indexOf('\n')).toBe(line.length - 1);
      }),
    );
  });

  it('is found again by where it ends, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 20 }), (all) => {
        const entries = all.map((said): { value: CheckedEntry; hash: string } => ({
          value: readEntry(entryOf(said), ORGANISATION, DEVICE),
          hash,
        }));
        const writer = new LineWriter(entries.length);
        for (const { value, hash: ofValue } of entries) writer.add(value, ofValue);
        const { text, ends } = writer.finish();
        const lines = [...ends].map((end, index) =>
          Buffer.from(text.slice((ends[index - 1] ?? 0) + ARRIVAL_BYTES, end)),
        );
        expect(lines.map(String)).toEqual(entries.map(({ value }) => eventLine(value, hash)));
      }),
      { numRuns: 50 },
    );
  });
});
