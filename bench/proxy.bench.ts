/** What the proxy adds to a model call, with everything on, against the least that a proxy in Node adds. */
import { Agent } from 'undici';
import type { FloorProxyMethods } from './lib/proxy-floor.remote.ts';
import type { OurProxyMethods } from './lib/proxy-ours.remote.ts';
import type { UpstreamMethods } from './lib/proxy-upstream.remote.ts';
import { Remote } from './lib/remote.ts';
import { percentile, printResult, printTable } from './lib/report.ts';

const SENTENCES = [
  'Please look at the function below and say what it does.',
  'It reads a file line by line and counts the words in it.',
  'The result is written to a table that the next step reads.',
  'Nothing of this is secret; it is as plain as prose can be.',
];
const WARM_UP = 150;

interface Case {
  readonly name: string;
  readonly path: string;
  readonly body: string;
  readonly calls: number;
}

const CASES: readonly Case[] = [
  { name: '4kb', path: '/v1/chat/completions', body: conversation(4_000), calls: 1_000 },
  { name: '100kb', path: '/v1/chat/completions', body: conversation(100_000), calls: 400 },
  { name: 'sse', path: '/v1/chat/completions?stream', body: conversation(4_000), calls: 600 },
];

const upstream = await Remote.start<UpstreamMethods>(
  new URL('./lib/proxy-upstream.remote.ts', import.meta.url),
);
const floor = await Remote.start<FloorProxyMethods>(new URL('./lib/proxy-floor.remote.ts', import.meta.url));
const ours = await Remote.start<OurProxyMethods>(new URL('./lib/proxy-ours.remote.ts', import.meta.url));
const rows: (string | number)[][] = [];
const figures: Record<string, number> = {};
const ratios: Record<string, number> = {};
try {
  const port = await upstream.call('start', undefined as never);
  const ways = [
    { name: 'direct', port },
    { name: 'floor', port: await floor.call('start', port as never) },
    { name: 'ours', port: await ours.call('start', port as never) },
  ];
  const client = new Agent({ connections: 1, pipelining: 1 });
  for (const { name, path, body, calls } of CASES) {
    const times = ways.map(() => new Float64Array(calls));
    for (let at = -WARM_UP; at < calls; at++) {
      // A transcript whose last message is new, as AI agents send them.
      const bytes = body.replace('NUMBER', String(at + WARM_UP).padStart(6, '0'));
      // In turns, so that what else the machine does falls on all of them.
      for (const [way, { port: to }] of ways.entries()) {
        const began = performance.now();
        const answer = await client.request({
          origin: `http://127.0.0.1:${to}`,
          path,
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: 'Bearer key' },
          body: bytes,
        });
        await answer.body.dump({ limit: 10 << 20 });
        if (answer.statusCode !== 200) throw new Error(`${ways[way]?.name}: ${answer.statusCode}`);
        const list = times[way];
        if (at >= 0 && list !== undefined) list[at] = performance.now() - began;
      }
    }
    const [direct = 0, least = 0, all = 0] = times.map((list) => percentile(list, 0.5));
    for (const [way, list] of times.entries()) {
      rows.push([
        `${name}: ${ways[way]?.name}`,
        ...[0.1, 0.5, 0.9, 0.99].map((share) => percentile(list, share)),
      ]);
    }
    figures[`${name}_added_p50_ms`] = all - direct;
    figures[`${name}_floor_added_p50_ms`] = least - direct;
    figures[`${name}_p99_ms`] = percentile(times[2] ?? [], 0.99);
    ratios[`${name}_added_vs_floor`] = (all - direct) / (least - direct);
  }
  const { recorded } = await ours.call('stop', undefined as never);
  figures.events_recorded = recorded;
} finally {
  await Promise.all([upstream.stop(), floor.stop(), ours.stop()]);
}

printTable(['', 'p10 ms', 'p50 ms', 'p90 ms', 'p99 ms'], rows);
console.log(`
  One client, one call at a time, each way in turns; the last message is new in every call. Ours: 1,000 rules, data looked for
  in both directions, two limits counted on disk, prices, the live view, one ledger entry per call.
`);
printResult({ bench: 'proxy', figures, ratios });

function conversation(length: number): string {
  const messages: { role: string; content: string }[] = [];
  for (let size = 0, at = 0; size < length; at++) {
    const content = Array.from({ length: 8 }, (_, n) => SENTENCES[(at + n) % SENTENCES.length]).join(' ');
    messages.push({ role: at % 2 === 0 ? 'user' : 'assistant', content: `${at}. ${content}` });
    size += content.length;
  }
  messages.push({ role: 'user', content: 'And what about NUMBER?' });
  return JSON.stringify({ model: 'gpt-4o', max_tokens: 500, messages });
}
