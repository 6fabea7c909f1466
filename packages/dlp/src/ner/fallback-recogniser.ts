import type { EntityRecogniser } from './entity.ts';

/**
 * Asks the first recogniser and, when it fails, the second. A call that was given up by its caller stays given up.
 *
 * @param failed told why the first one could not answer, so that posture and log can say it
 */
export function withFallback(
  first: EntityRecogniser,
  second: EntityRecogniser,
  failed: (error: unknown) => void,
): EntityRecogniser {
  return {
    name: `${first.name}, else ${second.name}`,
    async recognise(texts, signal) {
      try {
        return await first.recognise(texts, signal);
      } catch (error) {
        if (signal?.aborted) throw error;
        failed(error);
        return second.recognise(texts, signal);
      }
    },
  };
}
