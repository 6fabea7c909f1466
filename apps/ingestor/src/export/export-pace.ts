import type { DeliveryError } from './delivery.ts';

/** Times of the export, milliseconds. */
export interface ExportPace {
  /** Between looks for destinations that have something to be sent. */
  lookMs: number;
  /** How long a worker that died keeps others away. */
  leaseMs: number;
  /** After the first failure; doubles with each. */
  firstPauseMs: number;
  longestPauseMs: number;
  /** How long nothing may get through before there is an alert. */
  alertAfterMs: number;
}

export const USUAL_PACE: ExportPace = {
  lookMs: 1_000,
  leaseMs: 30_000,
  firstPauseMs: 1_000,
  longestPauseMs: 300_000,
  alertAfterMs: 180_000,
};

/**
 * How long to leave a receiver alone: exponential, with jitter so that many do not come back at once; what it asks for
 * itself is the least. What was refused for good is tried as rarely as can be.
 *
 * @param failures before this one
 */
export function pauseMs(
  pace: ExportPace,
  failures: number,
  error: Pick<DeliveryError, 'isPermanent' | 'retryAfterMs'> | undefined,
  random: () => number = Math.random,
): number {
  const doubled = pace.firstPauseMs * 2 ** Math.min(failures, 30);
  const most = error?.isPermanent === true ? pace.longestPauseMs : Math.min(doubled, pace.longestPauseMs);
  return Math.max(most * (0.5 + random() / 2), error?.retryAfterMs ?? 0);
}
