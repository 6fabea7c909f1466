import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gateUnderTest } from '../gate/gate.test-support.ts';
import type { GateOptions } from '../gate/gate.ts';
import type { Caller } from '../permit/subject.ts';
import { createLineHandler } from '../rpc/handle-line.ts';
import { nodePrimitives } from './node-primitives.ts';
import { type GateServerOptions, startGateServer } from './start-gate-server.ts';

/** What the operating system would say: both ends of these sockets are this user's. */
export const HERE: Caller = { uid: process.getuid?.() ?? 0, pid: process.pid, startTicks: '1' };

/** A gate behind its two real sockets, in a folder of its own. */
export async function gateOverSocket(
  options: Partial<GateServerOptions> = {},
  gateOptions: Partial<GateOptions> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'gate-'));
  const setting = gateUnderTest({ primitives: nodePrimitives, ...gateOptions });
  const handler = createLineHandler(setting.gate);
  const serve = (name: string, mint: boolean) =>
    startGateServer({
      path: join(folder, name),
      mode: 0o600,
      handler,
      peerCredentials: () => HERE,
      mint,
      ...options,
    });
  const ordinary = await serve('gate.sock', false);
  const privileged = await serve('mint.sock', true);
  return {
    ...setting,
    folder,
    handler,
    ordinary,
    privileged,
    async [Symbol.asyncDispose]() {
      await ordinary.close();
      await privileged.close();
      await rm(folder, { recursive: true });
    },
  };
}
