import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messageList, Transcripts } from './transcript.ts';

const VERSION = 'v1';
const connection = {};

function remembered(body: string): Transcripts {
  const transcripts = new Transcripts();
  const bytes = Buffer.from(body);
  transcripts.remember(connection, bytes, messageList(bytes, undefined), VERSION, undefined);
  return transcripts;
}

const long = 'word '.repeat(500);
const messages = (...contents: string[]) => contents.map((content) => ({ role: 'user', content }));
const body = (list: unknown[], more: object = {}, key = 'messages') =>
  JSON.stringify({ model: 'm', [key]: list, ...more });

describe('a body that begins like the last one', () => {
  test('is looked at from its first new message on, and all around the messages', () => {
    const first = body(messages(long, 'one'), { temperature: 1 });
    const second = body(messages(long, 'one', 'two'), { temperature: 0 });
    const excerpt = remembered(first).excerpt(connection, Buffer.from(second), VERSION);
    expect(JSON.parse(excerpt?.bytes.toString() ?? '')).toEqual({
      model: 'm',
      messages: [0, { role: 'user', content: 'two' }],
      temperature: 0,
    });
    expect(second.slice(excerpt?.start, excerpt?.end)).toBe(
      JSON.stringify(messages(long, 'one')).slice(1, -1),
    );
  });

  test.each([
    ['another model', body(messages(long, 'one')).replace('"m"', '"n"')],
    ['another first message', body(messages(`x${long}`, 'one'))],
    ['no messages', JSON.stringify({ model: 'm', text: long })],
    ['messages of another kind', body(messages(long, 'one'), {}, 'input')],
  ])('with %s is looked at as a whole', (_how, next) => {
    const first = body(messages(long, 'one'));
    expect(remembered(first).excerpt(connection, Buffer.from(next), VERSION)).toBeUndefined();
  });

  test('with one byte changed in the middle is looked at from that message on', () => {
    const first = body(messages(long, 'one', 'two', 'three'));
    const excerpt = remembered(first).excerpt(connection, Buffer.from(first.replace('two', 'twO')), VERSION);
    expect(JSON.parse(excerpt?.bytes.toString() ?? '').messages).toEqual([0, ...messages('twO', 'three')]);
  });

  test('is looked at as a whole by another scanner, on another connection, and when the last one is forgotten', () => {
    const bytes = Buffer.from(body(messages(long, 'one')));
    const transcripts = remembered(bytes.toString());
    expect(transcripts.excerpt(connection, bytes, 'v2')).toBeUndefined();
    expect(transcripts.excerpt({}, bytes, VERSION)).toBeUndefined();
    expect(transcripts.excerpt(connection, bytes, VERSION)).toBeDefined();
    transcripts.forget(connection);
    expect(transcripts.excerpt(connection, bytes, VERSION)).toBeUndefined();
  });

  test('what is no UTF-8 is not remembered: readers differ about it', () => {
    const transcripts = new Transcripts();
    const bytes = Buffer.concat([Buffer.from(body(messages(long, 'one'))), Buffer.of(0xff)]);
    transcripts.remember(connection, bytes, messageList(bytes, undefined), VERSION, undefined);
    expect(transcripts.excerpt(connection, bytes, VERSION)).toBeUndefined();
  });
});

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.constantFrom('"}],[{"', '\\"messages\\":[', '}]', '"messages":[', '\\\\', '\u2028', 'model'),
);
const message = fc.oneof(
  fc.record({ role: text, content: text }),
  fc.record({ role: text, content: fc.array(fc.record({ type: text, text })) }),
  fc.record({ '"messages"': fc.array(fc.constant({ a: [[]] })) }),
);
const head = fc.dictionary(text, fc.oneof(text, fc.integer(), fc.constant(null), fc.array(fc.constant({}))));

test('however a conversation goes on, the excerpt says what the body says', () => {
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 8 }),
      fc.array(message, { maxLength: 4 }),
      fc.nat(8),
      head,
      head,
      fc.boolean(),
      (before, added, kept, first, last, isPretty) => {
        const write = (list: unknown[]) =>
          JSON.stringify({ ...first, pad: long, messages: list, ...last }, null, isPretty ? 2 : undefined);
        const old = Buffer.from(write(before));
        const next = Buffer.from(write([...before.slice(0, kept), ...added]));
        const transcripts = new Transcripts();
        transcripts.remember(connection, old, messageList(old, undefined), VERSION, undefined);
        const excerpt = transcripts.excerpt(connection, next, VERSION);
        if (excerpt === undefined) return;
        const whole = JSON.parse(next.toString());
        const part = JSON.parse(excerpt.bytes.toString());
        const list = part.messages;
        expect(list[0]).toBe(0);
        // The known ones are the first of the body, and were the first of the one before.
        const known = JSON.parse(`[${next.subarray(excerpt.start, excerpt.end)}]`);
        expect(before.slice(0, known.length)).toEqual(known);
        expect({ ...part, messages: [...known, ...list.slice(1)] }).toEqual(whole);
        // From an excerpt the list is read as from the whole.
        const read = messageList(next, excerpt);
        const full = messageList(next, undefined);
        expect(read?.start).toBe(full?.start);
        expect(read?.ends.at(-1)).toBe(full?.ends.at(-1));
      },
    ),
    { numRuns: 300 },
  );
});
