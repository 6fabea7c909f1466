const TRIES = 3;

/** How long work takes at its quickest, milliseconds: a busy machine holds some tries up, and makes none quicker. */
export function quickestMs(work: () => unknown): number {
  const times = Array.from({ length: TRIES }, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  });
  return Math.min(...times);
}
