import { parseArgs } from 'node:util';

const DEFAULT_STREAMS = 1_000;

export interface BenchOptions {
  streams: number;
  /** Options for the ingestor's Node: with `--profile DIR` both of its processes leave a CPU profile there. */
  nodeOptions: string;
}

/** `--streams N`, `--profile DIR` */
export function readOptions(): BenchOptions {
  const { values } = parseArgs({
    options: { streams: { type: 'string' }, profile: { type: 'string' }, json: { type: 'boolean' } },
  });
  const streams = Number(values.streams ?? DEFAULT_STREAMS);
  if (!Number.isInteger(streams) || streams < 1)
    throw new RangeError('--streams takes a whole number above 0.');
  const { profile } = values;
  return { streams, nodeOptions: profile === undefined ? '' : `--cpu-prof --cpu-prof-dir=${profile}` };
}
