/** Inspecting a clean stream of answers, against cutting it into events and passing it on. */
import { median, percentile, printResult, printTable } from '../../../bench/lib/report.ts';
import { createFramer, joinBytes } from '../src/content/stream/framer.ts';
import { createRehydrator, createScanner, createStreamScanner } from '../src/index.ts';

const ROUNDS = 15;
const WORDS =
  'The answer has several parts: first we read the file, then (in January, or 2 weeks later) the team reviews src/index.ts and merges. ';

/** An answer of about 1 MB in the dialect of OpenAI's chat completions, one word per event. */
function answer(): Uint8Array {
  const event = (content: string) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-9aZ81kTfQmXw', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'gpt-4o', system_fingerprint: 'fp_44709d6fcb', choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }] })}\n\n`;
  const words = WORDS.match(/ ?[^ ]+/g) ?? [];
  const events = Array.from({ length: 4_500 }, (_, at) => event(words[at % words.length] ?? ''));
  return new TextEncoder().encode(`${events.join('')}data: [DONE]\n\n`);
}

interface Way {
  push(chunk: Uint8Array): Uint8Array;
  end(): Uint8Array;
}

const scanner = createScanner();
const vault = new Map<string, string>();
const ways: Record<string, () => Way> = {
  'floor: framing alone': () => {
    const framer = createFramer('sse', 1 << 20, () => new Error('too long'));
    return { push: (chunk) => joinBytes(framer.push(chunk)), end: () => framer.rest() };
  },
  scan: () => createStreamScanner({ scanner, format: 'sse', decide: () => undefined }),
  'scan, all held back': () =>
    createStreamScanner({ scanner, format: 'sse', decide: () => undefined, holdBack: 'window' }),
  rehydrate: () => createRehydrator('sse', { vault }),
};

const stream = answer();
const megabytes = stream.length / 1e6;
const chunkings = { 'an event at a time': 240, '16 kB at a time': 16_384 };

/** @returns milliseconds for the whole stream */
function measure(way: Way, size: number): number {
  const start = performance.now();
  let written = 0;
  for (let at = 0; at < stream.length; at += size) written += way.push(stream.subarray(at, at + size)).length;
  written += way.end().length;
  const elapsed = performance.now() - start;
  if (written !== stream.length)
    throw new Error(`A clean stream lost or gained ${written - stream.length} bytes.`);
  return elapsed;
}

const times = new Map<string, number[]>();
for (let round = 0; round < ROUNDS + 2; round++) {
  for (const [chunking, size] of Object.entries(chunkings)) {
    for (const [name, start] of Object.entries(ways)) {
      const elapsed = measure(start(), size);
      const label = `${name}, ${chunking}`;
      // The first rounds compile.
      if (round >= 2) times.set(label, [...(times.get(label) ?? []), elapsed]);
    }
  }
}

const speed = (name: string, chunking: string) =>
  megabytes / (median(times.get(`${name}, ${chunking}`) ?? []) / 1_000);
const events = 4_501;
printTable(
  ['', 'MB/s', 'p10', 'p90', 'µs per event'],
  [...times].map(([label, values]) => [
    label,
    megabytes / (median(values) / 1_000),
    megabytes / (percentile(values, 0.9) / 1_000),
    megabytes / (percentile(values, 0.1) / 1_000),
    (median(values) * 1_000) / events,
  ]),
);
const [single, chunked] = ['an event at a time', '16 kB at a time'];
printResult({
  bench: 'dlp-stream',
  figures: {
    mb_per_s: speed('scan', single),
    mb_per_s_16kb: speed('scan', chunked),
    rehydrate_mb_per_s: speed('rehydrate', single),
    us_per_event: (median(times.get(`scan, ${single}`) ?? []) * 1_000) / events,
  },
  ratios: {
    floor_to_scan: speed('floor: framing alone', single) / speed('scan', single),
    floor_to_scan_16kb: speed('floor: framing alone', chunked) / speed('scan', chunked),
  },
});
