import { createServer, type Server } from 'node:net';
import { serveRemote } from '../../../bench/lib/remote.ts';
import { createLineHandler, freshKeyRing, Gate, steadyClock } from '../src/index.ts';
import { type GateServer, nodePrimitives, startGateServer } from '../src/node/index.ts';

const running: { gate?: GateServer; echo?: Server } = {};

const methods = {
  /** A gate and, as the floor, a server that sends back what it gets, each at its own path. */
  async start({ gatePath, echoPath }: { gatePath: string; echoPath: string }): Promise<void> {
    const clock = steadyClock();
    const gate = new Gate({
      primitives: nodePrimitives,
      clock,
      keys: freshKeyRing(nodePrimitives, clock()),
      revision: () => 1,
      decide: () => ({
        verdict: 'ALLOW',
        rule: 'tools/allow',
        reason: 'Issues are fine.',
        revision: 1,
        cacheable: true,
      }),
    });
    running.gate = await startGateServer({
      path: gatePath,
      mode: 0o600,
      handler: createLineHandler(gate),
      peerCredentials: () => ({ uid: 1000, pid: 42, startTicks: '777' }),
      mint: false,
    });
    const echo = createServer((socket) => socket.on('data', (chunk) => socket.write(chunk)));
    running.echo = echo;
    await new Promise<void>((resolve) => echo.listen(echoPath, resolve));
  },
  async stop(): Promise<void> {
    await running.gate?.close();
    running.echo?.close();
  },
};
export type GateMethods = typeof methods;

serveRemote(methods);
