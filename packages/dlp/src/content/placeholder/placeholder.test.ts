import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectBody } from '../inspect.ts';
import { sampleHash } from '../sample-placeholders.ts';
import { samples, sampleScanner as scanner } from '../sample-scanner.ts';
import { SAMPLE_STREAMS } from '../stream/sample-streams.ts';
import {
  createPlaceholders,
  findPlaceholders,
  LONGEST_PLACEHOLDER,
  openPlaceholder,
  type PlaceholderVault,
} from './placeholder.ts';
import { createRehydrator, rehydrateBody, rehydrateText } from './rehydrate.ts';

const email = { detector: 'email', category: 'contact' } as const;
const scope = (hash = sampleHash) => {
  const vault: PlaceholderVault = new Map<string, string>();
  return { vault, placeholders: createPlaceholders({ hash, vault }) };
};

describe('placeholders', () => {
  it('are typed, and the same for the same value in every call and every process', () => {
    const mark = scope().placeholders.issue(email, samples.email);
    expect(mark).toMatch(/^\[\[EMAIL_[0-9A-F]{6}\]\]$/);
    expect(scope().placeholders.issue(email, samples.email)).toBe(mark);
    expect(scope().placeholders.issue(email, 'other@example.com')).not.toBe(mark);
  });

  it('redact a transcript that grows so that its beginning stays the same: prompt caches hold', () => {
    const { placeholders } = scope();
    const redact = (messages: string[]) =>
      Buffer.from(
        inspectBody(Buffer.from(JSON.stringify({ messages })), '', { scanner }).rewrite(
          (finding, _part, value) => placeholders.issue(finding, value),
        ).content,
      ).toString();
    const first = redact([`a ${samples.email}`, samples.card]);
    const second = redact([`a ${samples.email}`, samples.card, 'new', `b ${samples.key} ${samples.email}`]);
    expect(second.startsWith(first.slice(0, -2))).toBe(true);
  });

  it('tell apart two values whose tags begin alike', () => {
    const { vault, placeholders } = scope((value) => `abcdef${sampleHash(value)}`);
    const [one, two] = [placeholders.issue(email, 'one'), placeholders.issue(email, 'two')];
    expect([vault.get(one), vault.get(two)]).toEqual(['one', 'two']);
    expect(placeholders.issue(email, 'two')).toBe(two);
  });

  it('survive what models do to them', () => {
    const { vault, placeholders } = scope();
    const mark = placeholders.issue(email, samples.email);
    const tag = mark.slice(8, -2);
    for (const spelling of [
      mark,
      mark.toLowerCase(),
      `[[ EMAIL_${tag} ]]`,
      `[[EMAIL ${tag}]]`,
      `[[EMAIL-${tag}]]`,
      `\\[\\[EMAIL\\_${tag}\\]\\]`,
      `[ [Email_${tag}] ]`,
    ]) {
      expect(rehydrateText(`to ${spelling}.`, { vault })).toBe(`to ${samples.email}.`);
    }
  });

  it('that were not issued in this scope, and text of a user that looks like one, stay', () => {
    const foreign = scope().placeholders.issue(email, samples.email);
    const { vault } = scope();
    for (const text of [foreign, '[[EMAIL_1]]', '[[wiki link]]', 'a[[0]]', '[[EMAIL_ABCDEF'])
      expect(rehydrateText(text, { vault })).toBe(text);
  });

  it('put back what was taken out, for any values', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 }), (values) => {
        const { vault, placeholders } = scope();
        const text = values.map((value) => placeholders.issue(email, value)).join(' ');
        const body = Buffer.from(JSON.stringify({ content: text }));
        expect(
          JSON.parse(Buffer.from(rehydrateBody(body, 'application/json', { vault })).toString()),
        ).toEqual({ content: values.join(' ') });
      }),
    );
  });

  it('the beginning of one is held back, prose and code with brackets are not', () => {
    const mark = '[[EMAIL_3F9A1C]]';
    for (let length = 1; length < mark.length; length++)
      expect(openPlaceholder(`x ${mark.slice(0, length)}`)).toBe(2);
    for (const text of ['done.', 'a[0] ', 'see [1] and', '[x] done', `${mark} `])
      expect(openPlaceholder(text)).toBe(text.length);
    expect(`\\[ \\[  CREDENTIAL \\_ 0123456789  \\] \\]`.length).toBeLessThan(LONGEST_PLACEHOLDER);
    expect(findPlaceholders(`\\[ \\[  CREDENTIAL \\_ 0123456789  \\] \\]`)).toHaveLength(1);
  });
});

describe('re-hydration of a stream', () => {
  const value = 'O"Hara\\ü😀@example.org';
  it.each(Object.entries(SAMPLE_STREAMS).filter(([name]) => name !== 'plain text events'))(
    '%s, in any pieces, cut at any byte',
    (_name, { format, json, write, read }) => {
      const { vault, placeholders } = scope();
      const mark = placeholders.issue(email, value);
      const text = (inner: string) =>
        json ? JSON.stringify({ to: [inner, 'x[1]'] }) : `Dear ${inner}, [[x]] a[1] ok`;
      for (const size of [1, 3, 8, 50]) {
        const pieces = text(mark).match(new RegExp(`.{1,${size}}`, 'gs')) ?? [];
        const bytes = Buffer.from(write(pieces));
        for (let place = 0; place <= bytes.length; place += 7) {
          const stream = createRehydrator(format, { vault });
          const written = Buffer.concat([
            stream.push(bytes.subarray(0, place)),
            stream.push(bytes.subarray(place)),
            stream.end(),
          ]);
          expect(read(written.toString())).toBe(text(value));
        }
      }
    },
    30_000,
  );

  it('keeps data out of places that the caller names', () => {
    const { vault, placeholders } = scope();
    const mark = placeholders.issue(email, value);
    const stream = createRehydrator('sse', {
      vault,
      accepts: (_mark, { role }) => role !== 'tool-arguments',
    });
    const source = SAMPLE_STREAMS['Anthropic, tool arguments']?.write([`{"to":"${mark}"}`]) ?? '';
    expect(Buffer.concat([stream.push(Buffer.from(source)), stream.end()]).toString()).toBe(source);
  });
});
