/** Milliseconds since 1970 that never go back. */
export type Clock = () => number;

/**
 * A clock that follows the wall's forward, and goes on with the monotonic one when the wall's is set back.
 *
 * A wall clock that is set back must not bring an expired permit to life after its nonce was forgotten; a
 * machine that slept (the monotonic clock may stand still) must not find its permits fresh.
 */
export function steadyClock(wall: Clock = Date.now, monotonic: Clock = () => performance.now()): Clock {
  let ahead = Number.NEGATIVE_INFINITY;
  return () => {
    const elapsed = monotonic();
    ahead = Math.max(ahead, wall() - elapsed);
    return Math.floor(ahead + elapsed);
  };
}
