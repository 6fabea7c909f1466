import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { kernelObjectFile } from '../../kernel-object-file.ts';
import { ensureBpfFileSystem } from './bpf-file-system.ts';
import { folderId, NetworkPrograms } from './network-programs.ts';
import { GovernedFolder, type GovernedProgram, networkProgramsUntestable } from './testing/governed-group.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const untestable = networkProgramsUntestable();
const AGENT = new URL('testing/agent-program.ts', import.meta.url).pathname;
/** Leads nowhere (RFC 5737). */
const AWAY = '203.0.113.7';

describe.skipIf(untestable !== undefined)(`an agent that is killed (${untestable ?? 'as root'})`, () => {
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
    if (folder !== undefined) load().remove();
    await folder?.end();
  });

  async function startAgent(): Promise<ChildProcess> {
    const started = fork(AGENT, [folder.cgroups.folder, folder.pins], { stdio: 'inherit' });
    await once(started, 'message');
    return started;
  }

  async function kill(): Promise<void> {
    const gone = once(agent, 'exit');
    agent.kill('SIGKILL');
    await gone;
  }

  function load(): NetworkPrograms {
    return NetworkPrograms.load({
      objectFile: kernelObjectFile('network.bpf.o'),
      folder: folder.cgroups.folder,
      pins: folder.pins,
    });
  }

  const reach = () => program.does({ kind: 'connect', host: AWAY, port: 443 });

  test('leaves everything closed that is held to rules, until the next one is there', async () => {
    expect(await reach()).toEqual({ peer: `${AWAY} 443`, answer: `to ${AWAY} 443` });
    await kill();
    expect(await reach()).toEqual({ error: 'EPERM' });
    agent = await startAgent();
    expect(await reach()).toEqual({ peer: `${AWAY} 443`, answer: `to ${AWAY} 443` });
  });

  test('leaves everything open that is only watched', async (context) => {
    const host = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
    if (host === undefined) return context.skip('this machine has no address but the loopback');
    const server = createServer((socket) => socket.on('error', () => {}).end('direct')).listen(0, host);
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const programs = load();
    programs.setMode(folderId(program.cgroup.path), 'monitor');
    programs.close();
    expect(await program.does({ kind: 'connect', host, port })).toMatchObject({
      answer: `to ${host} ${port}`,
    });
    await kill();
    expect(await program.does({ kind: 'connect', host, port })).toEqual({
      peer: `${host} ${port}`,
      answer: 'direct',
    });
    server.close();
  });
});
