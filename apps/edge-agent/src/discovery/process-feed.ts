import { setTimeout as delay } from 'node:timers/promises';
import { ProcessConnector, type ProcessEvent } from '../native/process-connector.ts';

/** What to look at: the processes of these events, or all, because nobody knows what happened. */
export type ProcessNews = { readonly events: readonly ProcessEvent[] } | 'look at all';

/** How processes are watched. */
export type WatchWay =
  | { readonly by: 'events'; readonly reason: string }
  | { readonly by: 'polling'; readonly reason: string };

/** Tells when there is something new about the processes of this machine. */
export interface ProcessFeed {
  readonly way: WatchWay;
  /**
   * Waits for news.
   *
   * @param withinMs returns then at the latest, with no events when there are none
   */
  next(withinMs: number, stop: AbortSignal): Promise<ProcessNews>;
  close(): void;
}

/** A program that has just been executed starts others: what belongs together is looked at together. */
const GATHER_MS = 50;
/** Of the processor time of one core, looking may take one part in ten, however many processes start. */
const REST_PER_WORK = 9;
const LONGEST_REST_MS = 500;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Reads of the connector in one go; a machine may start processes faster than anybody reads. */
const MOST_READS = 8;

/**
 * Events of the kernel where it gives them, else a clock.
 *
 * @param intervalMs between two looks at all processes when there are no events
 */
export function openProcessFeed(intervalMs: number): ProcessFeed {
  try {
    return new EventFeed(ProcessConnector.open());
  } catch (error) {
    return new PollingFeed(intervalMs, error instanceof Error ? error.message : String(error));
  }
}

/** By events. Whoever takes long over one batch is given the next one later. */
export class EventFeed implements ProcessFeed {
  readonly way: WatchWay = { by: 'events', reason: 'the kernel tells what starts, executes and ends' };
  readonly #connector: ProcessConnector;
  #givenAt = threadMs();
  #isListening = false;
  #wake: ((error?: Error) => void) | undefined;

  constructor(connector: ProcessConnector) {
    this.#connector = connector;
  }

  async next(withinMs: number, stop: AbortSignal): Promise<ProcessNews> {
    const workMs = threadMs() - this.#givenAt;
    const restUntil = performance.now() + Math.min(LONGEST_REST_MS, workMs * REST_PER_WORK);
    await this.#wait(withinMs, stop);
    await sleep(Math.max(GATHER_MS, restUntil - performance.now()), stop);
    this.#givenAt = threadMs();
    return stop.aborted ? { events: [] } : this.#take();
  }

  close(): void {
    this.#connector.close();
  }

  /** Until there is an event, the time is over, or the end. */
  #wait(withinMs: number, stop: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (stop.aborted) return resolve();
      const timer = setTimeout(() => done(), Math.min(withinMs, LONGEST_TIMER_MS));
      const done = (error?: Error): void => {
        clearTimeout(timer);
        stop.removeEventListener('abort', aborted);
        this.#wake = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      const aborted = (): void => done();
      stop.addEventListener('abort', aborted);
      this.#wake = done;
      this.#listen();
    });
  }

  /** One wait at a time, which outlives those who gave up on it. */
  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#connector.wait().then(
      () => {
        this.#isListening = false;
        this.#wake?.();
      },
      (error: Error) => {
        this.#isListening = false;
        this.#wake?.(error);
      },
    );
  }

  #take(): ProcessNews {
    const events: ProcessEvent[] = [];
    for (let reads = 0; reads < MOST_READS; reads += 1) {
      const drained = this.#connector.drain();
      // What still is in the buffer is read after the look at all.
      if (drained.lost) return 'look at all';
      for (const event of drained.events) events.push(event);
      if (!drained.more) break;
    }
    return { events };
  }
}

/** By the clock. */
export class PollingFeed implements ProcessFeed {
  readonly way: WatchWay;
  readonly #intervalMs: number;

  constructor(intervalMs: number, reason: string) {
    this.#intervalMs = intervalMs;
    this.way = { by: 'polling', reason };
  }

  async next(withinMs: number, stop: AbortSignal): Promise<ProcessNews> {
    await sleep(Math.min(withinMs, this.#intervalMs), stop);
    return 'look at all';
  }

  close(): void {
    // Nothing is held.
  }
}

/** Processor time of this thread, milliseconds: waiting for files is no work. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

async function sleep(ms: number, stop: AbortSignal): Promise<void> {
  if (ms <= 0 || stop.aborted) return;
  await delay(Math.min(ms, LONGEST_TIMER_MS), undefined, { signal: stop }).catch(() => {});
}
