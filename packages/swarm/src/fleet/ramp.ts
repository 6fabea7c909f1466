export const RAMP_KINDS = ['steady', 'linear', 'step', 'spike'] as const;
export type RampKind = (typeof RAMP_KINDS)[number];

export interface Ramp {
  kind: RampKind;
  /** At the full rate; `spike` knows no rate. */
  connectsPerSecond: number;
  /** How long it takes to get there: `linear` and `step`. */
  seconds: number;
}

const STEPS = 4;

/** The share of the full rate after this share of the ramp's time (1 and more: it is over). */
const SHARE: Record<RampKind, (passed: number) => number> = {
  steady: () => 1,
  linear: (passed) => Math.min(1, passed),
  step: (passed) => Math.min(1, (Math.floor(passed * STEPS) + 1) / STEPS),
  // Everybody at once, as after a power cut.
  spike: () => Number.POSITIVE_INFINITY,
};

/** New connections per second that the fleet may open now, `elapsedMs` after its first one could. */
export function rateAt({ kind, connectsPerSecond, seconds }: Ramp, elapsedMs: number): number {
  return connectsPerSecond * SHARE[kind](elapsedMs / 1_000 / seconds);
}
