import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { BpfLink, BpfMap, BpfObject, openPinned, RingBuffer } from '../../native/libbpf.ts';
import {
  clientKey,
  decodeEvent,
  decodeOriginal,
  encodeSettings,
  type MapName,
  type Mode,
  modeNumber,
  type NetworkEvent,
  ONLY_KEY,
  type Original,
  type Settings,
  SIZES,
} from './kernel-layout.ts';

export interface NetworkProgramsPlace {
  /** What `bpf/network.bpf.c` was compiled to. */
  readonly objectFile: string;
  /** Folder of the product's control group; it exists. */
  readonly folder: string;
  /** Folder in a file system of type bpf; it need not exist. */
  readonly pins: string;
}

const PROGRAMS = [
  'on_connect4',
  'on_connect6',
  'on_sendmsg4',
  'on_sendmsg6',
  'on_recvmsg4',
  'on_recvmsg6',
  'on_getpeername4',
  'on_getpeername6',
  'on_create',
  'on_tcp',
  'on_packet',
] as const;
const MAPS = [
  'settings',
  'groups',
  'sockets',
  'listeners',
  'connections',
  'askers',
  'events',
  'lost',
] as const;
/** Raised when a layout changes: what is pinned under another number is not taken over. */
const LAYOUT = 1;

/**
 * The kernel's side of the network of AI agents. Programs and maps are pinned, so that they stay in force when the
 * agent ends; the next one takes the maps over and puts its own programs in the place of those, without a gap.
 */
export class NetworkPrograms {
  readonly #place: NetworkProgramsPlace;
  readonly #object: BpfObject;
  readonly #links: readonly BpfLink[];
  readonly #adopted: boolean;
  readonly #maps = new Map<MapName, BpfMap>();
  #open = true;

  private constructor(
    place: NetworkProgramsPlace,
    object: BpfObject,
    links: readonly BpfLink[],
    adopted: boolean,
  ) {
    this.#place = place;
    this.#object = object;
    this.#links = links;
    this.#adopted = adopted;
  }

  /** @throws RaypherError `platform/unsupported` with the reason */
  static load(above: NetworkProgramsPlace): NetworkPrograms {
    const place = { ...above, pins: join(above.pins, `network-v${LAYOUT}`) };
    const folder = folderId(place.folder);
    // Attached to a control group that is gone, they hold nobody.
    if (pinnedFolder(place.pins) !== folder) removePins(place.pins);
    const object = BpfObject.open(place.objectFile);
    const links: BpfLink[] = [];
    try {
      const adopted = reuseMaps(object, place.pins);
      object.load();
      mkdirSync(place.pins, { recursive: true, mode: 0o700 });
      for (const map of MAPS) {
        const path = join(place.pins, map);
        if (!existsSync(path)) object.pinMap(map, path);
      }
      links.push(...attach(object, place));
      removeOthers(above.pins, place.pins);
      return new NetworkPrograms(place, object, links, adopted);
    } catch (error) {
      for (const link of links) link.close();
      object.close();
      throw error;
    }
  }

  /** Whether an earlier agent's were taken over. */
  get adopted(): boolean {
    return this.#adopted;
  }

  /** From now on these ports count, or the later deadline. */
  set(settings: Omit<Settings, 'folder'>): void {
    this.#map('settings').set(
      ONLY_KEY,
      encodeSettings({ ...settings, folder: folderId(this.#place.folder) }),
    );
  }

  setMode(group: bigint, mode: Mode): void {
    const value = Buffer.alloc(4);
    value.writeUInt32LE(modeNumber(mode));
    this.#map('groups').set(groupKey(group), value);
  }

  forget(group: bigint): void {
    this.#map('groups').delete(groupKey(group));
  }

  /** Of which groups something is known. */
  groups(): bigint[] {
    return this.#map('groups')
      .keys()
      .map((key) => key.readBigUInt64LE());
  }

  /** @param fd of a socket on which this process listens, for connections or datagrams that are led there */
  markListener(fd: number): void {
    const key = Buffer.alloc(4);
    key.writeInt32LE(fd);
    this.#map('listeners').set(key, Buffer.of(1, 0, 0, 0));
  }

  /**
   * Where an accepted connection was to go. Answers once for each connection.
   *
   * @returns undefined when it was not led here
   */
  takeConnection(address: string, port: number): Original | undefined {
    const key = clientKey('tcp', address, port);
    if (key === undefined) return undefined;
    const found = this.#original('connections', key);
    if (found !== undefined) this.#map('connections').delete(key);
    return found;
  }

  /** Who asked over UDP. @returns undefined when the question was not led here */
  asker(address: string, port: number): Original | undefined {
    const key = clientKey('udp', address, port);
    return key === undefined ? undefined : this.#original('askers', key);
  }

  readEvents(receive: (event: NetworkEvent) => void): RingBuffer {
    return new RingBuffer(this.#object.mapFd('events'), (record) => receive(decodeEvent(record)));
  }

  /** Events that found no room, since the programs were loaded. */
  get lost(): number {
    return Number(this.#map('lost').get(ONLY_KEY)?.readBigUInt64LE() ?? 0n);
  }

  /** What is pinned stays in force. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const link of this.#links) link.close();
    this.#object.close();
  }

  /** Leaves nothing in the kernel. */
  remove(): void {
    this.close();
    removeNetworkPrograms(dirname(this.#place.pins));
  }

  #original(name: 'connections' | 'askers', key: Buffer): Original | undefined {
    const value = this.#map(name).get(key);
    return value === undefined ? undefined : decodeOriginal(value);
  }

  #map(name: MapName): BpfMap {
    // Its descriptors are others' by now.
    if (!this.#open) throw new TypeError('the programs are closed');
    const map = this.#maps.get(name) ?? new BpfMap(this.#object.mapFd(name), SIZES[name]);
    this.#maps.set(name, map);
    return map;
  }
}

/** Number by which the kernel knows a control group. */
export function folderId(path: string): bigint {
  return statSync(path, { bigint: true }).ino;
}

function groupKey(group: bigint): Buffer {
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(group);
  return key;
}

/** Which control group the pinned programs are attached to. */
function pinnedFolder(pins: string): bigint | undefined {
  const fd = openPinned(join(pins, 'settings'));
  if (fd === undefined) return undefined;
  try {
    return new BpfMap(fd, SIZES.settings).get(ONLY_KEY)?.readBigUInt64LE(0);
  } finally {
    closeSync(fd);
  }
}

function reuseMaps(object: BpfObject, pins: string): boolean {
  let reused = false;
  for (const map of MAPS) {
    const fd = openPinned(join(pins, map));
    if (fd === undefined) continue;
    object.reuseMap(map, fd);
    closeSync(fd);
    reused = true;
  }
  return reused;
}

function attach(object: BpfObject, { folder, pins }: NetworkProgramsPlace): BpfLink[] {
  const group = openSync(folder, 'r');
  try {
    return PROGRAMS.map((program) => {
      const path = join(pins, `link-${program}`);
      const pinned = BpfLink.openPinned(path);
      if (pinned !== undefined) {
        object.replaceIn(pinned, program);
        return pinned;
      }
      const link = object.attachToCgroup(program, group);
      link.pin(path);
      return link;
    });
  } finally {
    closeSync(group);
  }
}

function removePins(pins: string): void {
  if (!existsSync(pins)) return;
  for (const name of readdirSync(pins)) unlinkSync(join(pins, name));
  rmdirSync(pins);
}

/**
 * Removes what any version left in force, whether or not an agent runs. One that does keeps it until it ends.
 *
 * @param pins folder in a file system of type bpf
 */
export function removeNetworkPrograms(pins: string): void {
  if (!existsSync(pins)) return;
  removeOthers(pins, '');
  if (readdirSync(pins).length === 0) rmdirSync(pins);
}

/** What versions with other layouts left behind, once this one is in force. */
function removeOthers(above: string, own: string): void {
  for (const name of readdirSync(above)) {
    const path = join(above, name);
    if (/^network-v\d+$/.test(name) && path !== own) removePins(path);
  }
}
