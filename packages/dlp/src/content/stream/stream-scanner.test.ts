import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { samplePlaceholders } from '../sample-placeholders.ts';
import { samples, sampleScanner as scanner } from '../sample-scanner.ts';
import type { ByteTransform } from './event-stream.ts';
import { EventTooLongError } from './event-stream.ts';
import type { StreamFormat } from './framer.ts';
import { decodedArguments, SAMPLE_STREAMS } from './sample-streams.ts';
import { createStreamScanner } from './stream-scanner.ts';

const { key, pem, email, card } = samples;
const streams = Object.entries(SAMPLE_STREAMS);

function redacting(format: StreamFormat): ByteTransform {
  return createStreamScanner({
    scanner,
    format,
    decide: ({ finding, value }) => samplePlaceholders.issue(finding, value),
  });
}
function run(transform: ByteTransform, chunks: readonly Uint8Array[]): string {
  const written = chunks.map((chunk) => Buffer.from(transform.push(chunk)));
  return Buffer.concat([...written, transform.end()]).toString();
}
/** Cuts at the given places; equal ones give empty chunks. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [
    0,
    ...[...places].map((place) => place % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}
function pieces(text: string, sizes: readonly number[]): string[] {
  const found: string[] = [];
  for (let at = 0, turn = 0; at < text.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    found.push(text.slice(at, at + size));
    at += size;
  }
  return found;
}
const prose = 'Grüße, the 2 answers are: 😀 "quoted" \\ and January — done.\nNext line, 12 of 40 ';
const secret = `Your key is ${key}, write to ${email} or pay with ${card}; ${pem} is all.`;
const leaks = (text: string) =>
  [key, email, card, pem, pem.replaceAll('\n', '\\n')].filter((value) => text.includes(value));

describe.each(streams)('%s', { timeout: 30_000 }, (_name, { format, json, write, read }) => {
  const source = json ? JSON.stringify({ note: secret, n: 1, list: [key, prose] }) : secret;
  const clean = json ? JSON.stringify({ note: prose, 'a"b': [prose, 1.5, null] }) : prose;

  it('clean traffic is the same bytes, cut at every byte', () => {
    const bytes = Buffer.from(write(pieces(clean, [31, 1, 43])));
    for (let place = 0; place <= bytes.length; place++) {
      expect(run(redacting(format), cut(bytes, [place]))).toBe(bytes.toString());
    }
  });

  it('clean traffic is the same bytes, one byte at a time', () => {
    const bytes = Buffer.from(write(pieces(clean, [2])));
    expect(
      run(
        redacting(format),
        [...bytes].map((byte) => Uint8Array.of(byte)),
      ),
    ).toBe(bytes.toString());
  });

  it('no secret survives, cut at every byte', () => {
    const short = `Key ${key}, ${card}.`;
    const bytes = Buffer.from(write(pieces(json ? JSON.stringify({ short }) : short, [11])));
    const expected = run(redacting(format), [bytes]);
    expect(leaks(read(expected))).toEqual([]);
    for (let place = 0; place <= bytes.length; place++) {
      expect(run(redacting(format), cut(bytes, [place]))).toBe(expected);
    }
  });

  it('no secret survives any pieces and any cuts, and the rest of the text stays', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (sizes, places) => {
          const bytes = Buffer.from(write(pieces(source, sizes)));
          const written = run(redacting(format), cut(bytes, places));
          const text = read(written);
          expect(leaks(json ? decodedArguments(text) : text)).toEqual([]);
          expect(text).toContain('Your key is [[CREDENTIAL_');
          expect(text).toMatch(/\]\] is all\./);
          expect(run(redacting(format), [Buffer.from(written)])).toBe(written);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('what is certain leaves at once: at most one word of prose is behind', () => {
    const transform = redacting(format);
    const bytes = Buffer.from(write(Array.from({ length: 60 }, () => 'words and ')));
    const written = Buffer.from(transform.push(bytes)).length;
    expect(bytes.length - written).toBeLessThan(format === 'text' ? 256 : 700);
  });
});

describe('order and ends', () => {
  it('terminators stay last and events stay in order', () => {
    const stream = SAMPLE_STREAMS.Anthropic?.write(pieces(secret, [5])) ?? '';
    const names = (text: string) => [...text.matchAll(/^event: (.*)$/gm)].map((match) => match[1]);
    expect(names(run(redacting('sse'), [Buffer.from(stream)]))).toEqual(names(stream));
  });
  it('a block that ends lets its text go, though the stream goes on', () => {
    const transform = redacting('sse');
    const stream = SAMPLE_STREAMS.Anthropic?.write(['no white space']) ?? '';
    const stop = stream.indexOf('event: message_stop');
    expect(Buffer.from(transform.push(Buffer.from(stream.slice(0, stop)))).toString()).toBe(
      stream.slice(0, stop),
    );
  });
  it('two choices that arrive by turns are two texts', () => {
    const event = (index: number, content: string) =>
      `data: ${JSON.stringify({ choices: [{ index, delta: { content } }] })}\n\n`;
    const stream = pieces(key, [6])
      .map((piece) => event(0, piece) + event(1, 'other '))
      .join('');
    const written = run(redacting('sse'), [Buffer.from(stream)]);
    expect(written.match(/CREDENTIAL_/g)).toHaveLength(1);
    expect(written.match(/other /g)).toHaveLength(5);
  });
  it('a stream that breaks off gives out what it had, without the secret', () => {
    const stream = SAMPLE_STREAMS['OpenAI chat']?.write([`the key ${key}`]) ?? '';
    const broken = Buffer.from(stream.slice(0, stream.indexOf(key) + key.length + 30));
    expect(leaks(run(redacting('sse'), [broken]))).toEqual([]);
  });
  it('a whole text in an event, such as the repeated one at the end, has the same placeholder', () => {
    const written = run(redacting('sse'), [
      Buffer.from(SAMPLE_STREAMS['OpenAI responses, CRLF']?.write([key]) ?? ''),
    ]);
    expect(new Set(written.match(/\[\[CREDENTIAL_\w+\]\]/g)).size).toBe(1);
    expect(written.match(/\[\[CREDENTIAL_\w+\]\]/g)).toHaveLength(3);
  });
  it('a number in tool arguments becomes a string', () => {
    const { write, read } = SAMPLE_STREAMS['Anthropic, tool arguments'] ?? {
      write: () => '',
      read: () => '',
    };
    const stream = write(pieces(`{"card": ${card.replaceAll(' ', '')}, "n": 1}`, [3]));
    expect(JSON.parse(read(run(redacting('sse'), [Buffer.from(stream)])))).toEqual({
      card: expect.stringContaining('[[PAYMENT_'),
      n: 1,
    });
  });
  it('escapes in tool arguments, cut anywhere, hide nothing', () => {
    const { write, read } = SAMPLE_STREAMS['OpenAI chat, tool arguments'] ?? {
      write: () => '',
      read: () => '',
    };
    const spelt = [...key].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    for (const size of [1, 2, 3, 4, 5, 7]) {
      const written = run(redacting('sse'), [
        Buffer.from(write(pieces(`{"a":"\\\\${'\\n'}${spelt}\\\\ "}`, [size]))),
      ]);
      expect(JSON.parse(read(written)).a).toMatch(/^\\\n\[\[CREDENTIAL_\w{6}\]\]\\ $/);
    }
  });
  it('words that explain a number are waited for', () => {
    const late = (text: string) => [...text.matchAll(/\d{3} ?\d{6}(?=.{0,40}\bsocial security)/g)];
    const aware = {
      ...scanner,
      scan: (text: string) =>
        late(text).map(
          ({ index, 0: { length } }) =>
            ({
              detector: 'ssn',
              category: 'national-id',
              severity: 'high',
              start: index,
              end: index + length,
              confidence: 1,
            }) as const,
        ),
    };
    const transform = createStreamScanner({ scanner: aware, format: 'sse', decide: () => 'X' });
    const { write, read } = SAMPLE_STREAMS['OpenAI chat'] ?? { write: () => '', read: () => '' };
    const events = write(pieces('539480120 is my social security number.', [3])).split(/(?<=\n\n)/);
    expect(
      read(
        run(
          transform,
          events.map((event) => Buffer.from(event)),
        ),
      ),
    ).toBe('X is my social security number.');
  });
  it('an event that looks like the one before hides nothing in its text or around it', () => {
    const event = (content: string, extra = '') =>
      `data: {"choices":[{"delta":{"content":"${content}"},"index":0}]${extra}}\n\n`;
    const attacks = [
      event(`a","b":"${key}`),
      event('a', `,"x":"${key}"`),
      event(`a ${[...key].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')}`),
      event(`a"},"index":0}],"y":"${key}"}\n\ndata: {"choices":[{"delta":{"content":"a`),
    ];
    for (const attack of attacks) {
      const written = run(redacting('sse'), [
        Buffer.from(event('one ') + event('two ') + attack + event('three')),
      ]);
      expect(leaks(written)).toEqual([]);
      expect(written).toContain('[[CREDENTIAL_');
    }
  });
  it('an event over several data lines', () => {
    const written = run(redacting('sse'), [
      Buffer.from(`data: {"choices":[{"delta":\ndata: {"content":"${key} "}}]}\n\n`),
    ]);
    expect(written).toMatch(
      /^data: \{"choices":\[\{"delta":\ndata: \{"content":"\[\[CREDENTIAL_\w{6}\]\] "\}\}\]\}\n\n$/,
    );
  });
  it('comments, event names and ids are looked at', () => {
    expect(
      leaks(run(redacting('sse'), [Buffer.from(`: ${key}\nevent: ${key}\nid: ${key}\ndata: {}\n\n`)])),
    ).toEqual([]);
  });
  it('an event without end is refused', () => {
    const transform = createStreamScanner({
      scanner,
      format: 'sse',
      decide: () => undefined,
      maxEventBytes: 1_000,
    });
    expect(() => Array.from({ length: 20 }, () => transform.push(Buffer.alloc(100, 'a')))).toThrow(
      EventTooLongError,
    );
  });
  it('a word without end is held no longer than the longest finding', () => {
    const transform = redacting('text');
    const written = Buffer.from(transform.push(Buffer.alloc(10_000, 'a'))).length;
    expect(10_000 - written).toBeLessThanOrEqual(scanner.longestFinding + 256);
  });
});

it('sound in pieces is no text: each leaves at once, as it came', () => {
  const sound = (seed: number) =>
    Buffer.from(Array.from({ length: 600 }, (_, at) => (at * seed * 7 + (at >> 3) * 31) % 256)).toString(
      'base64',
    );
  const stream = createStreamScanner({ scanner, format: 'ndjson', decide: () => 'X' });
  for (const [type, seed] of [
    ['response.output_audio.delta', 13],
    ['response.audio.delta', 29],
  ] as const) {
    const event = `${JSON.stringify({ type, item_id: 'item_1', delta: sound(seed) })}\n`;
    expect(Buffer.from(stream.push(Buffer.from(event))).toString()).toBe(event);
  }
  const spoken = {
    type: 'response.output_audio_transcript.delta',
    item_id: 'item_1',
    delta: key.slice(0, 9),
  };
  expect(stream.push(Buffer.from(`${JSON.stringify(spoken)}\n`))).toHaveLength(0);
});
