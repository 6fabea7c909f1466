import { createServer, type Server } from 'node:net';
import { GatePart } from '../apps/edge-agent/src/gate/gate-part.ts';
import { edgePath } from './lib/gate-edge.ts';
import { serveRemote } from './lib/remote.ts';

const running: { stop?: () => Promise<void>; echo?: Server } = {};

const methods = {
  /** The gate of the service with all around it and, as the floor, a server that sends back what it gets. */
  async start({
    folder,
    echoPath,
    rules,
  }: {
    folder: string;
    echoPath: string;
    rules: number;
  }): Promise<void> {
    const { policy, inventory, record } = await edgePath(folder, rules);
    const part = new GatePart({
      config: { dataDir: folder, gateSocket: undefined, gateGroup: undefined },
      policy,
      inventory,
      approvals: undefined,
      record,
      log: { info: () => undefined, error: () => undefined },
      started: () => undefined,
    });
    running.stop = await part.start();
    const echo = createServer((socket) => socket.on('data', (chunk) => socket.write(chunk)));
    running.echo = echo;
    await new Promise<void>((resolve) => echo.listen(echoPath, resolve));
  },
  async stop(): Promise<void> {
    await running.stop?.();
    running.echo?.close();
  },
};
export type GateMethods = typeof methods;

serveRemote(methods);
