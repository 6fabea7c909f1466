import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Aborted when nobody waits for the answer any more: the connection is gone, or this stream of it was given up. Of the
 * connection too, because an answer that waits behind another one is not told.
 */
export function clientGone(client: Socket, response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const gone = (): void => controller.abort();
  if (client.destroyed) gone();
  client.once('close', gone);
  response.once('close', () => {
    client.off('close', gone);
    if (!response.writableFinished) gone();
  });
  return controller.signal;
}
