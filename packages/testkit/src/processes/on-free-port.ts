import { freePort } from './free-port.ts';

const ATTEMPTS = 3;
/** What Postgres and Redis say when somebody else was faster. */
const TAKEN = /address already in use/i;

/**
 * Starts a server on a free port, and on another one when that was taken meanwhile.
 *
 * @param fixed - the only port to try.
 */
export async function onFreePort<Server>(
  fixed: number | undefined,
  start: (port: number) => Promise<Server>,
): Promise<{ port: number; server: Server }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = fixed ?? (await freePort());
    try {
      return { port, server: await start(port) };
    } catch (error) {
      const again = fixed === undefined && attempt < ATTEMPTS && TAKEN.test(String(error));
      if (!again) throw error;
    }
  }
}
