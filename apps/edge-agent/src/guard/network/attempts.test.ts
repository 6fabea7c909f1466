import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CallerFinder } from '../../callers/caller-finder.ts';
import { Inventory } from '../../discovery/inventory.ts';
import { TestInterception } from '../../testing/test-interception.ts';
import type { Attempt } from '../testing/attempt-definition.ts';
import { AttemptRunner } from '../testing/attempt-runner.ts';
import { AttemptSinks } from '../testing/attempt-sinks.ts';
import { ATTEMPTS } from '../testing/attempts.ts';
import { OutcomeColumn } from '../testing/outcome-column.ts';
import { runAll } from '../testing/run-all.ts';
import { makeStageFiles, type Stage, stagePolicy } from '../testing/stage.ts';
import { Victims } from '../testing/victims.ts';
import { NetworkBackEnd } from './network-back-end.ts';
import { removeRedirects } from './open-redirect.ts';
import { redirectedCallersFrom } from './redirected-callers.ts';
import { GovernedFolder, REDIRECTS } from './testing/governed-group.ts';

const PROGRAM = new URL('../testing/attempt.ts', import.meta.url).pathname;

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
const NAMES = { cgroup: 'control-group programs', nftables: 'rules of the packet filter' } as const;

describe.each(['cgroup', 'nftables'] as const)('by %s', (way) => {
  const redirect = REDIRECTS[way];
  const missing =
    redirect.untestable() ?? (OWN === undefined ? 'this machine has no address of its own' : undefined);
  describe.skipIf(missing !== undefined)(`escape attempts under ${NAMES[way]} (${missing ?? 'here'})`, () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'raypher-network-attempts-')));
    const column = new OutcomeColumn(way);
    const victims = new Victims();
    const finder = new CallerFinder();
    let groups: GovernedFolder;
    let world: TestInterception;
    let sinks: AttemptSinks;
    let backEnd: NetworkBackEnd;

    beforeAll(async () => {
      groups = new GovernedFolder();
      world = await TestInterception.start();
      sinks = await AttemptSinks.open(OWN ?? '');
      const inventory = new Inventory({ device: 'test' });
      await inventory.refresh();
      const group = groups.cgroups.create('run-attempts');
      backEnd = new NetworkBackEnd({
        cgroups: groups.cgroups,
        open: () => redirect.open(groups.redirectOptions(finder)),
        remove: () => removeRedirects({ pins: groups.pins, table: groups.name }),
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
        agentPid: victims.start(),
        siblingPid: victims.start(),
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
      column.take(await runAll(HERE, open), { [folder]: '/stage', [OWN ?? '']: 'ADDRESS' });
    }, 240_000);

    afterAll(async () => {
      await victims[Symbol.asyncDispose]();
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
      const compared = column.compare(id);
      if (typeof compared === 'string') return skip(compared);
      const { actual, expected } = compared;
      expect(actual?.outcome, JSON.stringify(actual)).toBe(expected?.outcome);
    });
  });
});
