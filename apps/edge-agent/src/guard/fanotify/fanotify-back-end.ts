import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { RaypherError } from '@raypher/shared';
import type { Cgroups } from '../../response/cgroup.ts';
import { selfCommand } from '../../self-command.ts';
import type { Finding } from '../../service/posture-board.ts';
import { CanaryFiles } from '../canary-files.ts';
import type { GuardBackEnd, GuardBackEndEvents, GuardCapability } from '../guard-back-end.ts';
import type { GuardPolicy, Unexpressed } from '../guard-policy.ts';
import type { HelperNews, HelperOrder } from './helper-protocol.ts';

const CAPABILITIES = ['kernel.files', 'kernel.programs'] as const;
/** A helper that ends is started again, not more often than this, in milliseconds. */
const RESTART_AFTER_MS = 5000;

/**
 * Files and programs of AI agents that nobody launched, by permission events of fanotify: the kernel asks before it
 * opens or executes a marked file. It does not ask about removing, renaming, truncating by path and changing of modes,
 * and allows everything when nobody answers: this is not fail-closed.
 */
export class FanotifyBackEnd implements GuardBackEnd {
  readonly name = 'fanotify';
  readonly capabilities: readonly GuardCapability[] = CAPABILITIES;
  readonly #cgroups: Cgroups;
  readonly #policies = new Map<string, GuardPolicy>();
  readonly #waiting = new Map<number, (unexpressed: readonly Unexpressed[]) => void>();
  #events: GuardBackEndEvents | undefined;
  #helper: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #orders = 0;

  constructor(cgroups: Cgroups) {
    this.#cgroups = cgroups;
  }

  async start(events: GuardBackEndEvents): Promise<void> {
    this.#events = events;
    await this.#startHelper();
  }

  async apply(group: string, policy: GuardPolicy): Promise<readonly Unexpressed[]> {
    this.#policies.set(group, policy);
    return this.#order({ group, policy });
  }

  forget(group: string): void {
    this.#policies.delete(group);
    void this.#order({ group });
  }

  async probe(capability: GuardCapability): Promise<Finding> {
    if (this.#helper === undefined) return { state: 'unavailable', reason: 'nobody answers for the kernel' };
    using canary = new CanaryFiles();
    const group = this.#cgroups.create(`canary-fanotify-${randomUUID()}`);
    try {
      await this.apply(group.name, canary.policy);
      const result = await canary.attempt((command, args) =>
        spawn(
          '/bin/sh',
          ['-c', 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"', 'sh', group.path, command, ...args],
          {
            stdio: ['ignore', 'pipe', 'ignore'],
            env: {},
          },
        ),
      );
      const refused = capability === 'kernel.files' ? result.fileRefused : result.programRefused;
      if (!refused || !result.restAllowed) {
        return { state: 'unavailable', reason: `fanotify: ${canary.describe(result)}` };
      }
      const ends = 'and all is allowed when the agent ends';
      // Half of a capability is not the capability: what may be removed is not protected.
      return capability === 'kernel.files'
        ? {
            state: 'observing',
            reason: `opening a file was refused to a test process (fanotify), but removing and renaming are not held, ${ends}`,
          }
        : {
            state: 'enforced',
            reason: `executing a program was refused to a test process (fanotify), ${ends}`,
          };
    } finally {
      this.forget(group.name);
      await group.waitEmpty(2000);
      group.remove();
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.#restart);
    const helper = this.#helper;
    this.#helper = undefined;
    this.#events = undefined;
    for (const done of this.#waiting.values()) done([]);
    this.#waiting.clear();
    if (helper === undefined || helper.exitCode !== null || helper.signalCode !== null) return;
    helper.stdin?.end();
    await once(helper, 'exit');
  }

  /** The kernel keeps nothing of it. */
  async remove(): Promise<void> {
    await this.stop();
  }

  async #startHelper(): Promise<void> {
    const [program, ...first] = selfCommand();
    const helper = spawn(program, [...first, 'fanotify-helper', basename(this.#cgroups.folder)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH },
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    helper.stdin?.on('error', () => {});
    if (helper.stdout === null) throw new TypeError('its output must be a pipe');
    createInterface({ input: helper.stdout }).on('line', (line) => {
      // What comes here is what the helper wrote.
      const news = JSON.parse(line) as HelperNews;
      if (news.news === 'ready') resolve();
      else if (news.news === 'failed') reject(new RaypherError('platform/unsupported', news.because));
      else this.#hear(news);
    });
    helper.once('exit', (code, signal) => {
      reject(new RaypherError('platform/unsupported', `The fanotify helper ended (${signal ?? code}).`));
      if (this.#helper === helper) this.#startAgain();
    });
    helper.once('error', (error) => reject(error));
    await promise;
    this.#helper = helper;
    for (const [group, policy] of this.#policies) void this.#order({ group, policy });
  }

  #startAgain(): void {
    this.#helper = undefined;
    for (const done of this.#waiting.values()) done([]);
    this.#waiting.clear();
    this.#restart = setTimeout(
      () => void this.#startHelper().catch(() => this.#startAgain()),
      RESTART_AFTER_MS,
    );
    this.#restart.unref();
  }

  #hear(news: Exclude<HelperNews, { news: 'ready' | 'failed' }>): void {
    switch (news.news) {
      case 'done':
        this.#waiting.get(news.order)?.(news.unexpressed);
        this.#waiting.delete(news.order);
        break;
      case 'denied':
        // What the canaries were refused is no event.
        if (!news.denial.group.startsWith('canary-')) {
          this.#events?.denied({ ...news.denial, at: new Date(news.denial.at) });
        }
        break;
      case 'lost':
        this.#events?.lost(news.count);
    }
  }

  /** @returns when it is in force; at once where nobody holds anything */
  #order(order: Omit<HelperOrder, 'order'>): Promise<readonly Unexpressed[]> {
    const helper = this.#helper;
    if (helper === undefined) return Promise.resolve([]);
    const number = ++this.#orders;
    const { promise, resolve } = Promise.withResolvers<readonly Unexpressed[]>();
    this.#waiting.set(number, resolve);
    helper.stdin?.write(`${JSON.stringify({ order: number, ...order } satisfies HelperOrder)}\n`);
    return promise;
  }
}
