import { asRaypherError } from '../uplink/desired-state.ts';

/** One part of the service. `start` resolves when the part works and gives back how to stop it. */
export interface Part {
  name: string;
  /** @param fail to be called when the part stops working later on */
  start: (fail: (error: unknown) => void) => Promise<() => Promise<void> | void>;
}

export interface PartHealth {
  name: string;
  state: 'running' | 'restarting' | 'stopped';
  restarts: number;
  /** Why it was last restarted; empty when it never was. */
  reason: string;
}

const SHORTEST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** Keeps one part running: a failure is reported and the part started again, later and later. */
export class SupervisedPart {
  readonly #part: Part;
  readonly #report: (health: PartHealth) => void;
  #health: PartHealth;
  #stopPart: (() => Promise<void> | void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #generation = 0;

  constructor(part: Part, report: (health: PartHealth) => void) {
    this.#part = part;
    this.#report = report;
    this.#health = { name: part.name, state: 'stopped', restarts: 0, reason: '' };
  }

  get health(): PartHealth {
    return this.#health;
  }

  /** Resolves after the first attempt, successful or not. */
  async start(): Promise<void> {
    this.#generation += 1;
    const generation = this.#generation;
    try {
      const stopPart = await this.#part.start((error) => {
        if (generation === this.#generation) void this.#restart(error);
      });
      if (this.#stopped) await stopPart();
      else {
        this.#stopPart = stopPart;
        this.#set({ state: 'running' });
      }
    } catch (error) {
      await this.#restart(error);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#stopPart?.();
    this.#stopPart = undefined;
    this.#set({ state: 'stopped' });
  }

  async #restart(error: unknown): Promise<void> {
    if (this.#stopped) return;
    const { message } = asRaypherError(error);
    this.#generation += 1;
    const stopPart = this.#stopPart;
    this.#stopPart = undefined;
    this.#set({ state: 'restarting', restarts: this.#health.restarts + 1, reason: message });
    try {
      await stopPart?.();
    } catch {
      // It failed already; that its end fails too says nothing new.
    }
    const ceiling = Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** Math.min(this.#health.restarts, 10));
    this.#timer = setTimeout(() => void this.start(), ceiling * (0.5 + Math.random() / 2));
  }

  #set(changes: Partial<PartHealth>): void {
    this.#health = { ...this.#health, ...changes };
    this.#report(this.#health);
  }
}
