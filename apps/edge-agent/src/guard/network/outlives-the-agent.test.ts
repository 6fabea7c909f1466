import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBpfFileSystem } from './bpf-file-system.ts';
import { removeRedirects } from './open-redirect.ts';
import { GovernedFolder, type GovernedProgram, isRedirect, REDIRECTS } from './testing/governed-group.ts';

const AGENT = new URL('testing/agent-program.ts', import.meta.url).pathname;
/** Leads nowhere (RFC 5737). */
const AWAY = '203.0.113.7';

for (const way of Object.keys(REDIRECTS).filter(isRedirect)) {
  const redirect = REDIRECTS[way];
  const untestable = redirect.untestable();
  describe.skipIf(untestable !== undefined)(
    `an agent that is killed, by ${way} (${untestable ?? 'as root'})`,
    () => {
      let folder: GovernedFolder;
      let program: GovernedProgram;
      let agent: ChildProcess;

      beforeAll(async () => {
        if (untestable !== undefined) return;
        ensureBpfFileSystem('/sys/fs/bpf');
        folder = new GovernedFolder();
        program = await folder.start('run-test');
        agent = await startAgent();
      });
      afterAll(async () => {
        agent?.kill('SIGKILL');
        if (folder !== undefined) removeRedirects({ pins: folder.pins, table: folder.name });
        await folder?.end();
      });

      async function startAgent(): Promise<ChildProcess> {
        const started = fork(AGENT, [way, folder.name, 'run-test'], { stdio: 'inherit' });
        await once(started, 'message');
        return started;
      }

      async function kill(): Promise<void> {
        const gone = once(agent, 'exit');
        agent.kill('SIGKILL');
        await gone;
      }

      async function hold(mode: 'enforce' | 'monitor'): Promise<void> {
        const set = once(agent, 'message');
        agent.send(mode);
        await set;
      }

      const reach = () => program.does({ kind: 'connect', host: AWAY, port: 443 });
      const ledThere = { peer: `${AWAY} 443`, answer: `to ${AWAY} 443` };

      test.each(['a group that nobody named', 'a group under rules'])(
        'leaves everything closed that is held to rules, until the next one is there: %s',
        async (which) => {
          if (which === 'a group under rules') await hold('enforce');
          expect(await reach()).toEqual(ledThere);
          await kill();
          expect(await reach()).toEqual({ error: redirect.closedWith });
          const asked = { kind: 'datagram', host: AWAY, port: 53, data: 'aGk=', answers: false } as const;
          expect(await program.does({ ...asked, connected: false })).toEqual({ error: 'EPERM' });
          agent = await startAgent();
          expect(await reach()).toEqual(ledThere);
        },
      );

      test('leaves everything open that is only watched', async (context) => {
        const host = Object.values(networkInterfaces())
          .flat()
          .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
        if (host === undefined) return context.skip('this machine has no address but the loopback');
        const server = createServer((socket) => socket.on('error', () => {}).end('direct')).listen(0, host);
        await once(server, 'listening');
        const address = server.address();
        const port = typeof address === 'object' && address !== null ? address.port : 0;
        await hold('monitor');
        expect(await program.does({ kind: 'connect', host, port })).toMatchObject({
          answer: `to ${host} ${port}`,
        });
        await kill();
        const direct = { peer: `${host} ${port}`, answer: 'direct' };
        // The kernel takes the table of a process away a moment after the process is gone.
        await expect.poll(() => program.does({ kind: 'connect', host, port })).toEqual(direct);
        server.close();
        agent = await startAgent();
      });
    },
  );
}
