import { mkdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { basename, join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { readCgroup } from '../../discovery/scan.ts';
import type { Tunnel } from '../../proxy/proxied-tunnel.ts';
import type { PolicyInForce } from '../../proxy/proxy-context.ts';
import type { Cgroup, Cgroups } from '../../response/cgroup.ts';
import type { Finding } from '../../service/posture-board.ts';
import type { GuardBackEnd, GuardBackEndEvents, GuardCapability } from '../guard-back-end.ts';
import type { GuardPolicy, Unexpressed } from '../guard-policy.ts';
import { refusedBecause, refusedTarget } from './describe-refusal.ts';
import type { Question } from './dns-message.ts';
import type { NameJudgement } from './judge-name.ts';
import type { Mode, NetworkEvent, Original } from './kernel-layout.ts';
import type { KernelRedirect } from './kernel-redirect.ts';
import { NameMemory } from './name-memory.ts';
import { NameResolver } from './name-resolver.ts';
import { CANARY_GROUP, NetworkCanary } from './network-canary.ts';
import { folderId } from './network-programs.ts';
import type { IdentifyRedirected } from './redirected-callers.ts';
import { TransparentListener } from './transparent-listener.ts';
import { UpstreamServers } from './upstream-servers.ts';

export interface NetworkBackEndOptions {
  readonly cgroups: Cgroups;
  /** Puts in force what leads connections here. @throws RaypherError `platform/unsupported` with the reason */
  readonly open: () => KernelRedirect;
  /** Leaves nothing of it in the kernel. */
  readonly remove: () => void;
  readonly policy: Pick<PolicyInForce, 'decide' | 'mayConnect'>;
  /** What holds for a group until its own policy is applied. */
  readonly mode: () => Mode;
  readonly identify: IdentifyRedirected;
  /** The proxy's entrance for connections that were led here. */
  readonly take: (tunnel: Tunnel) => void;
  /** As `address` or `address:port`; without any, those of the system. */
  readonly dnsServers: readonly string[];
  /** Words that start the program of the canary. */
  readonly canaryCommand: readonly string[];
  /** Something of our own failed while a connection or a question was dealt with. */
  readonly failed: (error: unknown) => void;
}

const DNS_PORT = 53;
/** How often the agent shows that it is alive, in milliseconds. */
const HEARTBEAT_MS = 1000;
const READ_EVENTS_EVERY_MS = 200;

const BY = {
  cgroup: 'by control-group programs',
  nftables: 'by rules of the packet filter, nftables',
} as const;

interface Running {
  readonly redirect: KernelRedirect;
  readonly listener: TransparentListener;
  readonly resolver: NameResolver;
  readonly stop: () => Promise<void>;
}

/**
 * Holds AI agents to the network that the policy leaves them, by what the kernel knows their control groups in: TCP is
 * led to the proxy, names to the resolver here, everything else is refused, or in monitor mode recorded.
 */
export class NetworkBackEnd implements GuardBackEnd {
  readonly capabilities = ['kernel.network', 'kernel.redirect', 'kernel.names'] as const;
  readonly #options: NetworkBackEndOptions;
  readonly #canary: NetworkCanary;
  readonly #names = new NameMemory();
  /** Names of groups by their ids, and the other way round. */
  readonly #groups = new Map<string, bigint>();
  #running: Running | undefined;
  #events: GuardBackEndEvents | undefined;
  #lost = 0;

  constructor(options: NetworkBackEndOptions) {
    this.#options = options;
    this.#canary = new NetworkCanary(options.cgroups, options.canaryCommand);
  }

  get name(): KernelRedirect['name'] {
    return this.#running?.redirect.name ?? 'cgroup';
  }

  async start(events: GuardBackEndEvents): Promise<void> {
    const { cgroups, open, dnsServers, policy, failed } = this.#options;
    const { folder } = cgroups;
    if (readCgroup(process.pid).split('/').includes(basename(folder))) {
      throw new RaypherError(
        'platform/unsupported',
        'This service was started by an AI agent: its own connections would be led to itself.',
      );
    }
    mkdirSync(folder, { recursive: true });
    const redirect = open();
    this.#events = events;
    this.#lost = redirect.lost;
    const opened: { stop: () => unknown }[] = [];
    try {
      const listener = await TransparentListener.start({
        original: (client) => redirect.original(client),
        receive: (client, original) => this.#receive(client, original),
      });
      opened.push(listener);
      const resolver = await NameResolver.start({
        asker: (address, port) => redirect.asker(address, port),
        agentOf: async (asker) => (await this.#options.identify(undefined, asker)).agent,
        policy,
        upstream: new UpstreamServers(dnsServers),
        names: this.#names,
        judged: (asker, question, judgement) => this.#judged(asker, question, judgement),
        failed,
      });
      opened.push(resolver);
      redirect.listensOn([...listener.descriptors, ...resolver.descriptors]);
      this.#forgetGone(redirect);
      const show = (): void => redirect.show({ ...listener.ports, ...resolver.ports }, this.#options.mode());
      show();
      const reading = setInterval(() => this.#read(redirect), READ_EVENTS_EVERY_MS);
      const heartbeat = setInterval(() => this.#guarded(show), HEARTBEAT_MS);
      this.#running = {
        redirect,
        listener,
        resolver,
        stop: async () => {
          clearInterval(heartbeat);
          clearInterval(reading);
          redirect.pause();
          this.#read(redirect);
          resolver.stop();
          await listener.stop();
        },
      };
    } catch (error) {
      for (const each of opened) await each.stop();
      redirect.close();
      throw error;
    }
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  async apply(group: string, { network }: GuardPolicy): Promise<readonly Unexpressed[]> {
    const cgroup = this.#options.cgroups.open(group);
    // Its rules are decided by the proxy and the resolver, each time anew: the kernel only has to know the mode.
    if (cgroup !== undefined) this.#hold(group, cgroup.path, network);
    return [];
  }

  forget(group: string): void {
    const id = this.#groups.get(group);
    if (id === undefined) return;
    this.#groups.delete(group);
    this.#running?.redirect.forget(id);
    this.#running?.resolver.forget(id);
  }

  async probe(capability: GuardCapability): Promise<Finding> {
    const running = this.#running;
    if (running === undefined) return { state: 'unavailable', reason: 'it is not running' };
    const held = this.#options.mode() === 'enforce';
    const prepare = ({ name, path }: Cgroup): bigint => this.#hold(name, path, 'enforce');
    const over = (name: string): void => this.forget(name);
    const { state, reason } = await this.#canary.probe(capability, { prepare, over }, held);
    return { state, reason: `${reason} (${BY[running.redirect.name]})` };
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
    running?.redirect.close();
  }

  async remove(): Promise<void> {
    await this.stop();
    this.#options.remove();
  }

  #hold(name: string, path: string, mode: Mode): bigint {
    const id = folderId(path);
    this.#groups.set(name, id);
    this.#running?.redirect.setMode(id, path, mode);
    return id;
  }

  /** Groups that ended while no agent was there. */
  #forgetGone(redirect: KernelRedirect): void {
    const { cgroups } = this.#options;
    for (const name of cgroups.list()) {
      const cgroup = cgroups.open(name);
      if (name.startsWith(CANARY_GROUP)) cgroup?.remove();
      else if (cgroup !== undefined) this.#groups.set(name, folderId(cgroup.path));
    }
    const there = new Set(this.#groups.values());
    for (const id of redirect.groups()) if (!there.has(id)) redirect.forget(id);
  }

  #receive(client: Socket, original: Original): void {
    if (original.pid === process.pid) {
      client.destroy();
    } else if (this.#canary.owns(original.group)) {
      this.#canary.arrived(original);
      client.end();
    } else if (original.port === DNS_PORT) {
      void this.#running?.resolver.serve(client, original);
    } else {
      this.#handOver(client, original).catch((error: unknown) => {
        client.destroy();
        this.#options.failed(error);
      });
    }
  }

  async #handOver(client: Socket, original: Original): Promise<void> {
    const { address, port, group } = original;
    const caller = await this.#options.identify(client, original);
    if (client.destroyed) return;
    // Where nothing in the connection says a name, the one that the address was looked up by is as good.
    const host = this.#names.nameOf(group, address) ?? address;
    this.#options.take({ host, port, caller, client, byAddress: true });
  }

  #judged({ group, pid, processName }: Original, { name, type }: Question, judgement: NameJudgement): void {
    if (this.#canary.owns(group)) return;
    const { layer, rule, reason } = judgement.opinion;
    this.#events?.denied({
      at: new Date(),
      backEnd: this.name,
      blocked: judgement.refused,
      operation: 'look up',
      target: type === 1 || type === 28 ? name : `${name} (type ${type})`,
      pid,
      processName,
      group: this.#nameOf(group),
      rule: layer === 'builtin' ? undefined : { layer, id: rule },
      reason,
    });
  }

  #read(redirect: KernelRedirect): void {
    this.#guarded(() => {
      redirect.readEvents((event) => this.#denied(event));
      const { lost } = redirect;
      if (lost > this.#lost) this.#events?.lost(lost - this.#lost);
      this.#lost = lost;
    });
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.failed(error);
    }
  }

  #denied(event: NetworkEvent): void {
    if (this.#canary.owns(event.group)) return;
    const agoMs = Number((process.hrtime.bigint() - event.at) / 1_000_000n);
    this.#events?.denied({
      at: new Date(Date.now() - agoMs),
      backEnd: this.name,
      blocked: event.blocked,
      operation: event.operation,
      target: refusedTarget(event),
      pid: event.pid,
      processName: event.processName,
      group: this.#nameOf(event.group),
      rule: undefined,
      reason: refusedBecause(event),
    });
  }

  /** Of a group that nobody applied anything to yet, its folder says it; empty when that is gone. */
  #nameOf(group: bigint): string {
    for (const [name, id] of this.#groups) if (id === group) return name;
    const { cgroups } = this.#options;
    for (const name of cgroups.list()) {
      const cgroup = cgroups.open(name);
      if (cgroup !== undefined) this.#groups.set(name, folderId(join(cgroups.folder, name)));
    }
    return [...this.#groups].find(([, id]) => id === group)?.[0] ?? '';
  }
}
