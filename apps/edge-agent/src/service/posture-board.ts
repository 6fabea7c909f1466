import { Posture, PostureState } from '@raypher/shared';

/** What a probe found out. */
export interface Finding {
  state: 'enforced' | 'observing' | 'unavailable';
  reason: string;
  /** It would enforce, and the policy in force asks for no more than this. */
  byPolicy?: boolean;
}

/** `before` is undefined for the first probe since the start. */
export interface PostureChange extends Finding {
  capability: string;
  before: Finding['state'] | undefined;
}

const WIRE_STATE = {
  enforced: PostureState.POSTURE_STATE_ENFORCED,
  observing: PostureState.POSTURE_STATE_OBSERVING,
  unavailable: PostureState.POSTURE_STATE_UNAVAILABLE,
} as const;

const HOUR_MS = 3_600_000;

/**
 * What this device can enforce right now, from evidence only: each capability has a probe that tries
 * something forbidden and reads the result. Probed at start, hourly, and whenever something changed.
 */
export class PostureBoard {
  readonly #probes: ReadonlyMap<string, () => Promise<Finding>>;
  readonly #changed: (change: PostureChange) => void;
  readonly #findings = new Map<string, Finding & { at: number }>();
  /** Numbers of the latest probes. */
  readonly #latest = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param changed called when a capability changed its state, at first too */
  constructor(probes: ReadonlyMap<string, () => Promise<Finding>>, changed: (change: PostureChange) => void) {
    this.#probes = probes;
    this.#changed = changed;
  }

  start(): void {
    this.#timer = setInterval(() => void this.probeAll(), HOUR_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async probeAll(): Promise<void> {
    await Promise.all([...this.#probes.keys()].map((capability) => this.probe(capability)));
  }

  async probe(capability: string): Promise<void> {
    const probe = this.#probes.get(capability);
    if (probe === undefined) return;
    const number = (this.#latest.get(capability) ?? 0) + 1;
    this.#latest.set(capability, number);
    const finding = await probe().catch(
      (error: unknown): Finding => ({
        state: 'unavailable',
        reason: error instanceof Error ? error.message : String(error),
      }),
    );
    // A probe that began before something changed must not be the last word about it.
    if (this.#latest.get(capability) !== number) return;
    const before = this.#findings.get(capability)?.state;
    this.#findings.set(capability, { ...finding, at: Date.now() });
    if (before !== finding.state) this.#changed({ capability, before, ...finding });
  }

  list(): Posture[] {
    return [...this.#findings].map(([capability, { state, reason, at }]) => ({
      capability,
      state: WIRE_STATE[state],
      reason,
      provenAtMs: BigInt(at),
    }));
  }

  /** For people and JSON. */
  describe(): { capability: string; state: Finding['state']; reason: string; provenAt: string }[] {
    return [...this.#findings].map(([capability, { state, reason, at }]) => ({
      capability,
      state,
      reason,
      provenAt: new Date(at).toISOString(),
    }));
  }
}
