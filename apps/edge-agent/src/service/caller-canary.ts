import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { CallerFinder } from '../callers/caller-finder.ts';
import type { Finding } from './posture-board.ts';

/** Connects this process to itself and asks who called: proof that callers are found here, and how. */
export async function probeCaller(finder: CallerFinder): Promise<Finding> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const client = connect(port, '127.0.0.1');
  try {
    await once(client, 'connect');
    const found = finder.find({
      localPort: port,
      localAddress: '127.0.0.1',
      remotePort: client.localPort ?? 0,
      remoteAddress: '127.0.0.1',
    });
    if (found?.pid !== process.pid) {
      return { state: 'unavailable', reason: 'this process did not find itself as a caller' };
    }
    const { path, reason } = finder.path;
    return path === 'netlink'
      ? { state: 'enforced', reason: 'callers are found through netlink' }
      : { state: 'enforced', reason: `callers are found by reading all connections: ${reason}` };
  } catch (error) {
    return { state: 'unavailable', reason: `callers cannot be found: ${String(error)}` };
  } finally {
    client.destroy();
    server.close();
  }
}
