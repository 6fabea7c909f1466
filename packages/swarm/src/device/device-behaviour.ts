/** How well simulated devices behave. Probabilities are 0..1. */
export interface DeviceBehaviour {
  /** How long the simulated enforcers need, milliseconds: evenly spread between the two. */
  applyDelayMs: readonly [least: number, most: number];
  /** An enforcer fails: the device answers REJECTED. */
  applyFailure: number;
  /** How long a recorded event may wait for others before it is sent, milliseconds: evenly spread between the two. */
  lingerMs: readonly [least: number, most: number];
  /** A batch of events is sent twice. */
  duplicateBatch: number;
  /** The connection breaks without a goodbye: probability per device and minute. */
  dropPerMinute: number;
}

export const GOOD_BEHAVIOUR: DeviceBehaviour = {
  applyDelayMs: [0, 0],
  applyFailure: 0,
  lingerMs: [0, 0],
  duplicateBatch: 0,
  dropPerMinute: 0,
};
