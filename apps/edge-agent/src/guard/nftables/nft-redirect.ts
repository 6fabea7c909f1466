import { readdirSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join, relative } from 'node:path';
import { RaypherError } from '@raypher/shared';
import type { CallerFinder, SocketOwner } from '../../callers/caller-finder.ts';
import { isLoopback } from '../../callers/connection.ts';
import { readProcText } from '../../discovery/procfs.ts';
import { readCgroup } from '../../discovery/scan.ts';
import { forgetLedDatagrams } from '../../native/connection-tracking.ts';
import { Nftables } from '../../native/libnftables.ts';
import { type LoggedPacket, PacketLog } from '../../native/packet-log.ts';
import { listRules } from '../../native/packet-rules.ts';
import { descriptorOf, originalDestination } from '../../native/socket-descriptor.ts';
import type { Cgroups } from '../../response/cgroup.ts';
import type { Mode, NetworkEvent, Original } from '../network/kernel-layout.ts';
import type { KernelRedirect, ListeningPorts } from '../network/kernel-redirect.ts';
import { folderId } from '../network/network-programs.ts';
import { hostOf, type PacketEnds, packetEnds } from './packet-ends.ts';
import { heldGroups, type RuledGroup, readLogPrefix, rulesThatStay, rulesWhileAlive } from './rules.ts';

export interface NftRedirectOptions {
  readonly cgroups: Cgroups;
  /** Names of our own tables begin with it. */
  readonly table: string;
  readonly finder: Pick<CallerFinder, 'ownerOf' | 'ownerOfSender'>;
}

type Owner = Omit<Original, 'address' | 'port'>;

/** Where nft(8) looks control groups up, whatever is mounted where. */
const CGROUP_ROOT = '/sys/fs/cgroup';
/** Somebody may have changed our rules: every so many signs of life they are looked for. */
const LOOK_EVERY = 5;
/** Whose a datagram is: remembered for so long, for so many; and looked up so often in a second at most. */
const REMEMBERED_MS = 500;
const MAX_REMEMBERED = 2048;
const MAX_LOOKUPS_PER_SECOND = 1000;
/** Folders below a group that are looked at to find a control group. */
const MAX_FOLDERS = 4096;
const DNS_PORT = 53;
const MAX_TRIES = 8;
const TCP = 6;
const UDP = 17;

/**
 * By rules of the packet filter, in two tables of our own, for kernels that take no programs for control groups. One
 * table belongs to this process and ends with it; the other stays, and holds enforced groups while no agent is there.
 */
export class NftRedirect implements KernelRedirect {
  readonly name = 'nftables';
  readonly #options: NftRedirectOptions;
  readonly #nft: Nftables;
  readonly #log: PacketLog;
  readonly #groups = new Map<bigint, RuledGroup>();
  #listens: { ports: ListeningPorts; defaultMode: Mode } | undefined;
  /** What was written last, and by which numbers the kernel knows the rules that stay. */
  #inForce: { readonly text: string; readonly handles: string } | undefined;
  #shown = 0;
  readonly #isInForce: () => void;
  readonly #askers = new Map<string, { readonly at: number; readonly owner: Owner }>();
  #lookups = { since: 0, count: 0 };

  /**
   * @param isInForce called once it holds
   * @throws RaypherError `platform/unsupported` with the reason
   */
  constructor(options: NftRedirectOptions, isInForce: () => void = () => {}) {
    this.#options = options;
    this.#isInForce = isInForce;
    this.#nft = Nftables.open();
    try {
      this.#log = PacketLog.open();
    } catch (error) {
      this.#nft.close();
      throw error;
    }
    try {
      this.#adopt();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  original(client: Socket): Original | undefined {
    const { remoteAddress, remotePort, localAddress, localPort, remoteFamily } = client;
    if (remoteAddress === undefined || remotePort === undefined) return undefined;
    const led = originalDestination(descriptorOf(client), remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4');
    if (led === undefined) return undefined;
    const [address, { port }] = [hostOf(led.address), led];
    // Whoever connected by himself came to where he was to go.
    if (address === localAddress && port === localPort) return undefined;
    const ends = { localAddress: address, localPort: port, remoteAddress, remotePort };
    return { ...this.#owner(this.#options.finder.ownerOf(ends)), address, port };
  }

  asker(address: string, port: number): Original | undefined {
    const owner = this.#askerAt(address, port);
    return owner === undefined || owner.group === 0n ? undefined : { ...owner, address: '', port: DNS_PORT };
  }

  /** Rules know ports, not sockets. */
  listensOn(): void {}

  show(ports: ListeningPorts, defaultMode: Mode): void {
    this.#listens = { ports, defaultMode };
    this.#shown += 1;
    if (this.#shown % LOOK_EVERY === 0 && this.#inForce?.handles !== this.#handles())
      this.#inForce = undefined;
    this.#write();
    if (this.#shown > 1) return;
    this.#isInForce();
    forgetEarlierResolver(ports);
  }

  setMode(group: bigint, path: string, mode: Mode): void {
    const name = nameInRules(path);
    // A group that was made anew under its name is another one.
    for (const [id, known] of this.#groups) if (known.path === name && id !== group) this.#groups.delete(id);
    this.#groups.set(group, { id: group, path: name, mode });
    this.#write();
  }

  forget(group: bigint): void {
    this.#groups.delete(group);
    this.#write();
  }

  groups(): bigint[] {
    return [...this.#groups.keys()];
  }

  readEvents(receive: (event: NetworkEvent) => void): void {
    this.#log.read((packet) => {
      const event = this.#eventOf(packet);
      if (event !== undefined) receive(event);
    });
  }

  get lost(): number {
    return this.#log.lost;
  }

  pause(): void {
    this.#listens = undefined;
    const { table } = this.#options;
    // Deleting what is not there would fail.
    this.#nft.run(`add table inet ${table} { flags owner; }\ndelete table inet ${table}\n`);
  }

  close(): void {
    // The kernel deletes the table that belongs to it.
    this.#nft.close();
    this.#log.close();
  }

  /** What an earlier agent's rules hold stays held until the policy has been asked. */
  #adopt(): void {
    const { cgroups, table } = this.#options;
    const held = new Set(heldGroups(listRules(stays(table))));
    for (const name of cgroups.list()) {
      const folder = join(cgroups.folder, name);
      const id = idOf(folder);
      if (id !== undefined && held.has(id))
        this.#groups.set(id, { id, path: nameInRules(folder), mode: 'enforce' });
    }
  }

  #handles(): string {
    return listRules(stays(this.#options.table))
      .map(({ handle }) => handle)
      .join();
  }

  #write(): void {
    if (this.#listens === undefined) return;
    const { cgroups, table } = this.#options;
    const { ports, defaultMode } = this.#listens;
    const path = nameInRules(cgroups.folder);
    const level = cgroups.pathOf('').split('/').filter(Boolean).length;
    const folder = { path, level, id: folderId(cgroups.folder) };
    for (let tries = 0; ; tries += 1) {
      // One that ended has no folder any more, and no rule can name it.
      const groups = [...this.#groups.values()].filter(isThere);
      const state = { folder, groups, defaultMode };
      const text = rulesWhileAlive(table, state, ports, this.#log.group) + rulesThatStay(stays(table), state);
      if (text === this.#inForce?.text) return;
      try {
        this.#nft.run(text);
        this.#inForce = { text, handles: this.#handles() };
        return;
      } catch (error) {
        // It may have ended in this very moment.
        if (tries === MAX_TRIES || groups.every(isThere)) throw error;
      }
    }
  }

  #askerAt(address: string, port: number): Owner | undefined {
    const [key, now] = [`${address} ${port}`, performance.now()];
    const known = this.#askers.get(key);
    if (known !== undefined && now - known.at < REMEMBERED_MS) return known.owner;
    // Whoever asks without an end must not keep the agent from its work; programs ask again.
    if (now - this.#lookups.since >= 1000) this.#lookups = { since: now, count: 0 };
    this.#lookups.count += 1;
    if (this.#lookups.count > MAX_LOOKUPS_PER_SECOND) return undefined;
    const owner = this.#owner(this.#options.finder.ownerOfSender(address, port));
    if (this.#askers.size >= MAX_REMEMBERED) this.#askers.clear();
    this.#askers.set(key, { at: now, owner });
    return owner;
  }

  #owner(found: SocketOwner | undefined): Owner {
    const { process: holder, uid = -1, cgroupId } = found ?? {};
    const { pid = 0, startTime = 0 } = holder ?? {};
    // The group that rules know is that of the socket; its process may be elsewhere by now.
    const group = cgroupId === undefined ? this.#groupOfProcess(pid) : this.#groupOf(cgroupId);
    const comm = readProcText(`/proc/${pid}/comm`);
    return { pid, startTime, group, uid, processName: comm.ok ? comm.value.trim() : '' };
  }

  /** The group of ours that a control group is, or is in; 0 for those of others. */
  #groupOf(cgroupId: bigint): bigint {
    if (this.#groups.has(cgroupId)) return cgroupId;
    const { cgroups } = this.#options;
    for (const name of cgroups.list()) {
      const folder = join(cgroups.folder, name);
      if (foldersBelow(folder).some((each) => idOf(each) === cgroupId)) return idOf(folder) ?? 0n;
    }
    return 0n;
  }

  #groupOfProcess(pid: number): bigint {
    const name = pid === 0 ? undefined : this.#options.cgroups.nameOf(readCgroup(pid))?.split('/', 1)[0];
    return (name === undefined ? undefined : idOf(join(this.#options.cgroups.folder, name))) ?? 0n;
  }

  #eventOf({ prefix, payload }: LoggedPacket): NetworkEvent | undefined {
    const said = readLogPrefix(prefix);
    const packet = packetEnds(payload);
    if (said === undefined || packet === undefined) return undefined;
    const { protocol, destination } = packet;
    const { pid, processName } = this.#owner(this.#senderOf(packet));
    return {
      at: process.hrtime.bigint(),
      group: said.group,
      address: destination.address,
      port: destination.port,
      pid,
      operation: 'send',
      blocked: said.blocked,
      protocol,
      type: 0,
      processName,
    };
  }

  #senderOf({ protocol, source, destination }: PacketEnds): SocketOwner | undefined {
    const { finder } = this.#options;
    if (protocol === UDP) return finder.ownerOfSender(source.address, source.port);
    if (protocol !== TCP) return undefined;
    return finder.ownerOf({
      localAddress: destination.address,
      localPort: destination.port,
      remoteAddress: source.address,
      remotePort: source.port,
    });
  }
}

/**
 * Removes the rules that stay, whether or not an agent runs.
 *
 * @param table as in the options
 */
export function removeNftRules(table: string): void {
  let nft: Nftables;
  try {
    nft = Nftables.open();
  } catch {
    // Nobody wrote any from here.
    return;
  }
  try {
    // Deleting what is not there would fail.
    nft.run(`add table inet ${stays(table)}\ndelete table inet ${stays(table)}\n`);
  } catch (error) {
    // No packet filter in this kernel, or not ours to change: there is nothing of ours in it.
    if (!(error instanceof RaypherError)) throw error;
  } finally {
    nft.close();
  }
}

const stays = (table: string): string => `${table}-stays`;

function nameInRules(folder: string): string {
  const path = relative(CGROUP_ROOT, folder);
  if (path.startsWith('..') || !/^[\w./@:-]+$/.test(path)) {
    throw new RaypherError('platform/unsupported', `Rules of the packet filter cannot name ${folder}.`);
  }
  return path;
}

/**
 * Sockets that were open when an earlier agent ended would go on asking at its port. Other resolvers that somebody leads
 * questions to lose nothing: their rules are asked again.
 */
function forgetEarlierResolver({ dns4, dns6 }: ListeningPorts): void {
  try {
    forgetLedDatagrams(
      ({ port, to }) => port === DNS_PORT && isLoopback(to.address) && to.port !== dns4 && to.port !== dns6,
    );
  } catch (error) {
    // A kernel that shows nobody what it tracks: those sockets are led right when they were quiet for a while.
    if (!(error instanceof RaypherError)) throw error;
  }
}

function isThere({ id, path }: RuledGroup): boolean {
  return idOf(join(CGROUP_ROOT, path)) === id;
}

/** Number by which the kernel knows a control group; undefined when it has ended. */
function idOf(folder: string): bigint | undefined {
  return statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino;
}

/** A folder and all below it, breadth first. */
function foldersBelow(folder: string): string[] {
  const found = [folder];
  // The list grows while it is walked.
  for (let at = 0; at < found.length && at < MAX_FOLDERS; at += 1) {
    const above = found[at] ?? '';
    try {
      for (const entry of readdirSync(above, { withFileTypes: true })) {
        if (entry.isDirectory()) found.push(join(above, entry.name));
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}
