import { parseArgs } from 'node:util';

const DEFAULT_STREAMS = 1_000;

/** `--streams N` */
export function readOptions(): { streams: number } {
  const { values } = parseArgs({ options: { streams: { type: 'string' }, json: { type: 'boolean' } } });
  const streams = Number(values.streams ?? DEFAULT_STREAMS);
  if (!Number.isInteger(streams) || streams < 1)
    throw new RangeError('--streams takes a whole number above 0.');
  return { streams };
}
