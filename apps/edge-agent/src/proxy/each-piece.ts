import type { Readable } from 'node:stream';

/**
 * Hands over what comes of a stream, as much at a time as there is; what is there already, at once. A loop over the
 * stream would make a promise for each piece, and wait a turn for the first.
 *
 * @param take returns a promise while it takes no more
 * @throws what `take` throws, and what the stream ends with before its end; it is destroyed then
 */
export function eachPiece(
  source: Readable,
  take: (bytes: Buffer) => Promise<unknown> | undefined,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isWaiting = false;
  const fail = (error: unknown): void => {
    source.off('readable', read);
    reject(error);
    source.destroy();
  };
  function read(): void {
    try {
      while (!isWaiting) {
        const bytes: Buffer | null = source.read();
        if (bytes === null) return;
        const free = take(bytes);
        if (free === undefined) continue;
        isWaiting = true;
        free.then(() => {
          isWaiting = false;
          read();
        }, fail);
      }
    } catch (error) {
      fail(error);
    }
  }
  if (source.closed) {
    reject(source.errored ?? new Error('the stream was broken off'));
    return promise;
  }
  source.on('error', fail);
  source.once('end', resolve);
  source.once('close', () => reject(new Error('the stream was broken off')));
  source.on('readable', read);
  if (source.readableLength > 0) read();
  return promise;
}
