import { parseArgs } from 'node:util';

const DEFAULT_STREAMS = 1_000;

export interface BenchOptions {
  streams: number;
  /** Options for the ingestor's Node: with `--profile DIR` both of its processes leave a CPU profile there. */
  nodeOptions: string;
  /** Further settings of the link role: with `--workers N`, how many threads verify batches. */
  linkEnvironment: Record<string, string>;
}

/** `--streams N`, `--profile DIR`, `--workers N` */
export function readOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      streams: { type: 'string' },
      profile: { type: 'string' },
      workers: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const streams = Number(values.streams ?? DEFAULT_STREAMS);
  if (!Number.isInteger(streams) || streams < 1)
    throw new RangeError('--streams takes a whole number above 0.');
  const { profile, workers } = values;
  return {
    streams,
    nodeOptions: profile === undefined ? '' : `--cpu-prof --cpu-prof-dir=${profile}`,
    linkEnvironment: workers === undefined ? {} : { RAYPHER_INGEST_WORKERS: workers },
  };
}
