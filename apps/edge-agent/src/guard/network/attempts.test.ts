import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CallerFinder } from '../../callers/caller-finder.ts';
import { Inventory } from '../../discovery/inventory.ts';
import { kernelObjectFile } from '../../kernel-object-file.ts';
import { TestInterception } from '../../testing/test-interception.ts';
import type { Attempt } from '../testing/attempt-definition.ts';
import { type AttemptOutcome, AttemptRunner } from '../testing/attempt-runner.ts';
import { AttemptSinks } from '../testing/attempt-sinks.ts';
import { ATTEMPTS } from '../testing/attempts.ts';
import { runAll } from '../testing/run-all.ts';
import { makeStageFiles, type Stage, stagePolicy } from '../testing/stage.ts';
import { NetworkBackEnd } from './network-back-end.ts';
import { redirectedCallersFrom } from './redirected-callers.ts';
import { GovernedFolder, networkProgramsUntestable } from './testing/governed-group.ts';

const PROGRAM = new URL('../testing/attempt.ts', import.meta.url).pathname;
/** The column of the enforcement matrix; `RAYPHER_WRITE_OUTCOMES=1` writes it anew. */
const COLUMN = new URL('../testing/outcomes/cgroup.json', import.meta.url).pathname;

/**
 * Whoever is led to the proxy believes to have arrived: whether anything came to where it was to go, the receivers
 * say.
 */
const LED_ELSEWHERE = ['connect', 'connect-mapped', 'send-with-fast-open', 'io-uring-connect', 'dns-tunnel'];
const HERE: readonly Attempt[] = ATTEMPTS.filter(
  ({ dangerous, stoppedBy }) =>
    dangerous !== true && (stoppedBy === 'kernel.network' || stoppedBy === 'kernel.names'),
).map((attempt) => (LED_ELSEWHERE.includes(attempt.id) ? { ...attempt, happened: () => false } : attempt));

/** What is sent to an address of this machine's own does not leave it, and is not the loopback that passes. */
const OWN = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
const missing =
  networkProgramsUntestable() ?? (OWN === undefined ? 'this machine has no address of its own' : undefined);

describe.skipIf(missing !== undefined)(
  `escape attempts under control-group programs (${missing ?? 'here'})`,
  () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'raypher-network-attempts-')));
    const outcomes = new Map<string, AttemptOutcome>();
    const victims: ChildProcess[] = [];
    const finder = new CallerFinder();
    let groups: GovernedFolder;
    let world: TestInterception;
    let sinks: AttemptSinks;
    let backEnd: NetworkBackEnd;

    const victim = (): number => {
      const child = spawn('sleep', ['300'], { stdio: 'ignore' });
      victims.push(child);
      return child.pid ?? 0;
    };

    beforeAll(async () => {
      groups = new GovernedFolder();
      world = await TestInterception.start();
      sinks = await AttemptSinks.open(OWN ?? '');
      const inventory = new Inventory({ device: 'test' });
      await inventory.refresh();
      const group = groups.cgroups.create('run-attempts');
      backEnd = new NetworkBackEnd({
        cgroups: groups.cgroups,
        objectFile: () => kernelObjectFile('network.bpf.o'),
        pins: groups.pins,
        policy: { decide: (request) => world.policy.decide(request), mayConnect: () => false },
        mode: () => 'enforce',
        identify: redirectedCallersFrom(inventory, finder),
        // Nothing of it is permitted.
        take: ({ client }) => client.destroy(),
        dnsServers: ['127.0.0.1:9'],
        canaryCommand: [],
        failed: (error) => {
          throw error;
        },
      });
      await backEnd.start({ denied: () => {}, lost: () => {} });
      const files = makeStageFiles(folder);
      await backEnd.apply(group.name, stagePolicy(files));
      const stage: Stage = {
        ...files,
        agentPid: victim(),
        siblingPid: victim(),
        sinks: sinks.sinks,
        cgroupRoot: dirname(groups.cgroups.folder),
        cgroup: group.path,
      };
      const enter = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"';
      const open = (): AttemptRunner =>
        new AttemptRunner({
          stage,
          received: () => sinks.take(),
          start: () =>
            spawn('/bin/sh', ['-c', enter, 'sh', group.path, process.execPath, PROGRAM], {
              stdio: ['pipe', 'pipe', 'inherit'],
            }),
        });
      for (const outcome of await runAll(HERE, open)) outcomes.set(outcome.id, outcome);
      if (process.env.RAYPHER_WRITE_OUTCOMES === '1') {
        const text = JSON.stringify([...outcomes.values()], null, 2);
        writeFileSync(COLUMN, `${text.replaceAll(folder, '/stage').replaceAll(OWN ?? '', 'ADDRESS')}\n`);
      }
    }, 240_000);

    afterAll(async () => {
      const running = victims.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
      for (const child of running) child.kill('SIGKILL');
      await Promise.all(running.map((child) => once(child, 'exit')));
      await backEnd?.remove();
      await sinks?.[Symbol.asyncDispose]();
      await world?.stop();
      finder.close();
      const group = groups?.cgroups.open('run-attempts');
      group?.kill();
      await group?.waitEmpty(10_000);
      group?.remove();
      await groups?.end();
      rmSync(folder, { recursive: true, force: true });
    });

    test.for(HERE)('$id: $tries', ({ id }, { skip }) => {
      // What is there is what this test wrote.
      const recorded = JSON.parse(readFileSync(COLUMN, 'utf8')) as AttemptOutcome[];
      const expected = recorded.find((one) => one.id === id);
      const actual = outcomes.get(id);
      for (const one of [actual, expected]) {
        if (one?.outcome === 'not applicable') skip(`not every machine can try it: ${one.because}`);
      }
      expect(actual?.outcome, JSON.stringify(actual)).toBe(expected?.outcome);
    });
  },
);
