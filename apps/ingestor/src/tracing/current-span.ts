import { AsyncLocalStorage } from 'node:async_hooks';
import { NOT_TRACED, type TracedSpan } from './traced-span.ts';

const storage = new AsyncLocalStorage<TracedSpan>();

/** The span of the work that this code is part of. */
export function currentSpan(): TracedSpan {
  return storage.getStore() ?? NOT_TRACED;
}

/** Runs work as part of a span; costs nothing when it is not traced. */
export function within<T>(span: TracedSpan, work: () => T): T {
  return span === NOT_TRACED ? work() : storage.run(span, work);
}
