import { type Floor, preciseNowMs, startFloor } from '@raypher/swarm';
import { serveRemote } from './remote.ts';

export type FloorMethods = {
  start(): Promise<{ server: string; token: string }>;
  /** Sends about 256 bytes to every stream. @returns the revision, and milliseconds since the epoch before the first write */
  broadcast(): { revision: number; atMs: number };
};

let floor: Floor | undefined;

const methods: FloorMethods = {
  async start() {
    floor = await startFloor();
    return { server: floor.server.origin, token: floor.token };
  },
  broadcast() {
    if (floor === undefined) throw new Error('start first');
    const atMs = preciseNowMs();
    return { revision: floor.broadcast(), atMs };
  },
};

serveRemote(methods);
