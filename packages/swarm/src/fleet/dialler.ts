import { type Ramp, rateAt } from './ramp.ts';

/** Something that dials: a device. */
export interface Dialling {
  connect(): void;
  disconnect(how: 'politely' | 'abruptly'): void;
}

export interface DiallerOptions {
  /** New connections per second at most. */
  ramp: Ramp;
  /** Handshakes under way at the same time at most; a spike does not care. */
  handshakes: number;
  /** In [0, 1). */
  random: () => number;
}

const BACKOFF_BASE_MS = 250;
const BACKOFF_MOST_MS = 30_000;
/** A connection that is not welcomed by then is given up. */
const WELCOME_TIMEOUT_MS = 30_000;
/** Connects that may be saved up while nothing was due, in seconds of the ramp. */
const BURST_SECONDS = 0.1;

/**
 * Decides who dials when: a ramp for all, and for each device full-jitter exponential backoff, so that a fleet that
 * lost its control plane does not come back as one wave.
 */
export class Dialler<T extends Dialling> {
  readonly #options: DiallerOptions;
  readonly #dueMs = new Map<T, number>();
  readonly #dialledMs = new Map<T, number>();
  readonly #failures = new Map<T, number>();
  #allowance = 0;
  #lastTickMs: number;
  /** When the first device could dial. */
  #beganMs: number | undefined;

  constructor(options: DiallerOptions, nowMs = Date.now()) {
    this.#options = options;
    this.#lastTickMs = nowMs;
  }

  /** Devices that wait for their turn or for an answer. */
  get waiting(): number {
    return this.#dueMs.size + this.#dialledMs.size;
  }

  /** First dial, as soon as the ramp allows. */
  add(device: T, nowMs: number): void {
    this.#beganMs ??= nowMs;
    this.#dueMs.set(device, nowMs);
  }

  welcomed(device: T): void {
    this.#dialledMs.delete(device);
    this.#failures.delete(device);
  }

  /**
   * The connection is gone: dial again later.
   *
   * @param retryAfterMs what the control plane asked for; 0 when it did not
   */
  lost(device: T, retryAfterMs: number, nowMs: number): void {
    this.#dialledMs.delete(device);
    const failures = this.#failures.get(device) ?? 0;
    this.#failures.set(device, failures + 1);
    const ceiling = Math.min(BACKOFF_MOST_MS, BACKOFF_BASE_MS * 2 ** failures);
    // Never before the time that was asked for, and not all exactly then.
    this.#dueMs.set(device, nowMs + retryAfterMs + this.#options.random() * ceiling);
  }

  forget(device: T): void {
    this.#dueMs.delete(device);
    this.#dialledMs.delete(device);
    this.#failures.delete(device);
  }

  tick(nowMs: number): void {
    const { ramp } = this.#options;
    const rate = rateAt(ramp, nowMs - (this.#beganMs ?? nowMs));
    const handshakes = ramp.kind === 'spike' ? Number.POSITIVE_INFINITY : this.#options.handshakes;
    const earned = nowMs === this.#lastTickMs ? 0 : (rate * (nowMs - this.#lastTickMs)) / 1_000;
    this.#lastTickMs = nowMs;
    this.#allowance = Math.min(this.#allowance + earned, Math.max(1, rate * BURST_SECONDS));
    for (const [device, sinceMs] of this.#dialledMs) {
      if (nowMs - sinceMs > WELCOME_TIMEOUT_MS) device.disconnect('abruptly');
    }
    for (const [device, dueMs] of this.#dueMs) {
      if (this.#allowance < 1 || this.#dialledMs.size >= handshakes) return;
      if (dueMs > nowMs) continue;
      this.#allowance -= 1;
      this.#dueMs.delete(device);
      this.#dialledMs.set(device, nowMs);
      device.connect();
    }
  }
}
