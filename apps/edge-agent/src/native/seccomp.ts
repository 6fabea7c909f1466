import { createRequire } from 'node:module';
import { RaypherError } from '@raypher/shared/errors';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';
import { buildFilter, type FilterOptions } from './seccomp-filter.ts';
import { SYSTEM_CALLS } from './system-calls.ts';

/** seccomp(2); its own number, per architecture. */
const SECCOMP: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 317, arm64: 277 };
const SET_MODE_FILTER = 1;
/** All threads of the process at once. */
const FILTER_FLAG_TSYNC = 1;

/**
 * Holds this process, and whatever it executes or starts, to the filter of system calls, for good. New privileges
 * must have been given up before.
 *
 * @throws RaypherError `platform/unsupported`
 */
export function filterSystemCalls(options: FilterOptions): void {
  const calls = SYSTEM_CALLS[process.arch];
  const number = SECCOMP[process.arch];
  if (process.platform !== 'linux' || calls === undefined || number === undefined) {
    throw new RaypherError(
      'platform/unsupported',
      'System calls are filtered on 64-bit Linux on x64 and arm64.',
    );
  }
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const filter = buildFilter(calls, options);
  const program = koffi.struct({ instructions: 'uint16', filter: 'void *' });
  const seccomp = koffi
    .load('libc.so.6')
    .func('syscall', 'long', ['long', 'uint', 'uint', koffi.pointer(program)]);
  const result = Number(
    seccomp(number, SET_MODE_FILTER, FILTER_FLAG_TSYNC, { instructions: filter.length / 8, filter }),
  );
  if (result === 0) return;
  // With TSYNC a positive result is a thread that could not be synchronised.
  const why = result > 0 ? `thread ${result} has a filter of its own` : errnoName(koffi.errno());
  throw new RaypherError('platform/unsupported', `System calls cannot be filtered: ${why}.`);
}
