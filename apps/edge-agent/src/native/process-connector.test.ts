import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it, vi } from 'vitest';
import { until } from '../response/spawned.test-support.ts';
import { ProcessConnector, type ProcessEvent } from './process-connector.ts';

vi.setConfig({ testTimeout: 60_000 });

function unavailable(): string | undefined {
  try {
    ProcessConnector.open().close();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

const reason = unavailable();
if (reason !== undefined) console.warn(`process-connector: ${reason}`);
const itOnLinuxAsRoot = it.skipIf(reason !== undefined);

/** All events until `enough` holds for those of this test. */
async function collect(
  connector: ProcessConnector,
  enough: (events: readonly ProcessEvent[]) => boolean,
): Promise<ProcessEvent[]> {
  const events: ProcessEvent[] = [];
  while (!enough(events)) {
    await connector.wait();
    events.push(...connector.drain().events);
  }
  return events;
}

itOnLinuxAsRoot('a process is told of when it is forked, executes and ends, in that order', async () => {
  using connector = ProcessConnector.open();
  const child = spawn('/bin/true', { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;

  const events = await collect(connector, (seen) =>
    seen.some((event) => event.pid === pid && event.kind === 'exit'),
  );

  expect(events.filter((event) => event.pid === pid)).toEqual([
    { kind: 'fork', pid, parent: process.pid },
    { kind: 'exec', pid },
    { kind: 'exit', pid },
  ]);
});

itOnLinuxAsRoot('threads are left out', async () => {
  using connector = ProcessConnector.open();
  const worker = new Worker('', { eval: true });
  await once(worker, 'exit');
  const child = spawn('/bin/true', { stdio: 'ignore' });
  await once(child, 'spawn');

  const events = await collect(connector, (seen) => seen.some(({ pid }) => pid === child.pid));

  const forkedHere = events.filter((event) => event.kind === 'fork' && event.parent === process.pid);
  expect(forkedHere).toMatchObject([{ pid: child.pid }]);
});

itOnLinuxAsRoot('what does not fit is told of as lost, and what follows arrives', async () => {
  using connector = ProcessConnector.open(4096);
  const burst = spawn('sh', ['-c', 'for i in $(seq 60); do /bin/true; done'], { stdio: 'ignore' });
  await once(burst, 'exit');
  expect(connector.drain().lost).toBe(true);

  // What others start on this machine fills so small a buffer as well: one of several arrives.
  const started = new Set<number | undefined>();
  await until('an event arrives', async () => {
    connector.drain();
    const child = spawn('/bin/true', { stdio: 'ignore' });
    started.add(child.pid);
    await once(child, 'exit');
    return connector.drain().events.some(({ pid }) => started.has(pid));
  });
});

itOnLinuxAsRoot('whoever waits is woken when it is closed', async () => {
  const connector = ProcessConnector.open();
  const waiting = connector.wait();
  connector.close();
  await waiting;
  await connector.wait();
  expect(() => connector.drain()).toThrow(/closed/);
});

itOnLinuxAsRoot('a process that waits can exit at once', async () => {
  const source = new URL('process-connector.ts', import.meta.url).href;
  const script = `const { ProcessConnector } = await import(${JSON.stringify(source)});
    void ProcessConnector.open().wait(); setImmediate(() => process.exit(0));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  expect(await once(child, 'exit')).toEqual([0, null]);
});

itOnLinuxAsRoot.each([
  ['without CAP_NET_ADMIN', ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin']],
  ['in a network namespace of its own', ['unshare', '--net']],
  ['in a pid namespace of its own', ['unshare', '--pid', '--fork', '--mount-proc']],
])('%s it says that there are no events, and why', async (_, prefix) => {
  const source = new URL('process-connector.ts', import.meta.url).href;
  const script = `const { ProcessConnector } = await import(${JSON.stringify(source)});
    try { ProcessConnector.open(); console.log('open'); } catch (error) { console.log(error.code + ' ' + error.message); }
    process.exit(0);`;
  const [command = '', ...parameters] = [...prefix, process.execPath, '--input-type=module', '-e', script];
  const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'ignore'] });
  const [output] = await once(child.stdout, 'data');
  expect(String(output)).toMatch(/^platform\/unsupported No process events: /);
});
