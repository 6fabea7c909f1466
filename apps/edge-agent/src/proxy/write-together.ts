import { ServerResponse } from 'node:http';

/**
 * Lets what is written within one turn of the event loop leave together: a head, the pieces that came in one packet and
 * the end would each wake whoever reads them. It leaves before anything is waited for.
 *
 * @returns to be called before each write
 */
export function writeTogether(response: ServerResponse): () => void {
  // HTTP/2 gathers frames of its own accord.
  const socket = response instanceof ServerResponse ? response.socket : null;
  let isHeld = false;
  return () => {
    if (isHeld || socket === null) return;
    isHeld = true;
    socket.cork();
    setImmediate(() => {
      isHeld = false;
      socket.uncork();
    });
  };
}
