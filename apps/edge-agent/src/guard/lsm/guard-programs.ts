import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { BpfMap, BpfObject, hookParameters, openPinned, possibleCpus } from '../../native/libbpf.ts';
import { LAYOUT_VERSION, MAPS, type MapName } from './layout.ts';

const MAP_PIN = 'map-';
const LINK_PIN = 'link-';
const VERSION = 'v';
const VERSIONED = `${VERSION}${LAYOUT_VERSION}-`;
/** Who belongs to which AI agent: no version changes how that is kept. */
const KEPT_BY_ALL: readonly MapName[] = ['identity', 'groups'];
/** What came later: before, the kernel asked another hook, which is attached, too (path_truncate, file_ioctl). */
const NOT_MISSED = ['file_truncate', 'file_ioctl_compat'];
/** The same hook before and since Linux 6.9, which put an argument in front. */
const BY_PARAMETERS: Readonly<Record<string, number>> = { guard_setattr: 2, guard_setattr_mapped: 3 };

/**
 * The kernel programs, loaded, attached and pinned: they hold without this process. What an earlier agent left in
 * force is taken over; when it was another version of the programs, the new ones are attached before the old ones go,
 * on the same maps.
 */
export class GuardPrograms implements Disposable {
  readonly #maps: ReadonlyMap<MapName, { fd: number; map: BpfMap }>;
  /** Hooks that this kernel does not have. */
  readonly missingHooks: readonly string[];
  /** Whether programs of this version were in force already. */
  readonly wereAdopted: boolean;

  private constructor(
    maps: ReadonlyMap<MapName, { fd: number; map: BpfMap }>,
    missingHooks: readonly string[],
    wereAdopted: boolean,
  ) {
    this.#maps = maps;
    this.missingHooks = missingHooks;
    this.wereAdopted = wereAdopted;
  }

  /**
   * @param objectFile made by bpf/build.mjs
   * @param pinRoot folder of the product's own, in a file system of type bpf
   * @throws RaypherError `platform/unsupported`
   */
  static open(objectFile: string, pinRoot: string): GuardPrograms {
    if (!existsSync(objectFile)) {
      throw new RaypherError('platform/unsupported', 'The kernel programs of this version are missing.', {
        hint: 'They are built where clang is installed (apt-get install clang libbpf-dev).',
      });
    }
    const version = createHash('sha256').update(readFileSync(objectFile)).digest('hex').slice(0, 12);
    const folder = join(pinRoot, `${VERSIONED}${version}`);
    using object = BpfObject.open(objectFile);
    const missing = leaveOutWhatIsMissing(object);
    const wanted = object.programs().filter(({ name }) => !missing.programs.has(name));
    const isInForce =
      wanted.every(({ name }) => existsSync(join(folder, LINK_PIN + name))) && hasAllMaps(folder);
    if (!isInForce) install(object, wanted, folder, earlierVersions(pinRoot));
    for (const earlier of earlierVersions(pinRoot).filter((path) => path !== folder)) removePins(earlier);
    return new GuardPrograms(openMaps(folder), missing.hooks, isInForce);
  }

  map(name: MapName): BpfMap {
    return this.#entry(name).map;
  }

  mapFd(name: MapName): number {
    return this.#entry(name).fd;
  }

  /** What is in force stays so. */
  close(): void {
    for (const { fd } of this.#maps.values()) closeSync(fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #entry(name: MapName): { fd: number; map: BpfMap } {
    const entry = this.#maps.get(name);
    if (entry === undefined) throw new TypeError(`there is no map ${name}`);
    return entry;
  }
}

/** Ends all that is in force. Nothing is left in the kernel. */
export function removeGuardPrograms(pinRoot: string): void {
  if (!existsSync(pinRoot)) return;
  for (const version of earlierVersions(pinRoot)) removePins(version);
  rmSync(pinRoot, { recursive: true, force: true });
}

function leaveOutWhatIsMissing(object: BpfObject): { programs: Set<string>; hooks: string[] } {
  const programs = new Set<string>();
  const hooks = new Set<string>();
  for (const { name, section } of object.programs()) {
    const hook = section.split('/')[1] ?? '';
    const parameters = hookParameters(hook);
    const expected = BY_PARAMETERS[name];
    if (parameters !== undefined && (expected === undefined || expected === parameters)) continue;
    object.leaveOut(name);
    programs.add(name);
    if (parameters === undefined && !NOT_MISSED.includes(hook)) hooks.add(hook);
  }
  return { programs, hooks: [...hooks] };
}

/**
 * Maps of an earlier version are kept: who belongs to which AI agent, and what holds for each, is in them. Where only
 * the former can be read, AI agents are refused everything until their policies are there again.
 */
function install(
  object: BpfObject,
  programs: readonly { name: string }[],
  folder: string,
  earlier: readonly string[],
): void {
  const kept = earlier.find((path) =>
    mapsToKeep(path).every((name) => existsSync(join(path, MAP_PIN + name))),
  );
  // What an agent left that ended in the middle of this is of no use.
  if (existsSync(folder) && kept !== folder) removePins(folder);
  const descriptors = kept === undefined ? [] : reuseMaps(object, kept);
  try {
    object.load();
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of mapNames()) {
    const pin = join(folder, MAP_PIN + name);
    if (!existsSync(pin)) object.pinMap(name, pin);
  }
  for (const { name } of programs) {
    const pin = join(folder, LINK_PIN + name);
    if (existsSync(pin)) unlinkSync(pin);
    using link = object.attach(name);
    link.pin(pin);
  }
}

function reuseMaps(object: BpfObject, folder: string): number[] {
  return mapsToKeep(folder).map((name) => {
    const fd = openPinned(join(folder, MAP_PIN + name));
    if (fd === undefined) throw new TypeError(`the map ${name} is not pinned`);
    object.reuseMap(name, fd);
    return fd;
  });
}

function mapsToKeep(folder: string): readonly MapName[] {
  return basename(folder).startsWith(VERSIONED) ? mapNames() : KEPT_BY_ALL;
}

function openMaps(folder: string): Map<MapName, { fd: number; map: BpfMap }> {
  return new Map(
    mapNames().map((name) => {
      const fd = openPinned(join(folder, MAP_PIN + name));
      if (fd === undefined) {
        throw new RaypherError('internal/unexpected', `The map ${name} of the kernel programs is missing.`);
      }
      const { key, value } = MAPS[name];
      return [
        name,
        { fd, map: new BpfMap(fd, { key, value: name === 'lost' ? value * possibleCpus() : value }) },
      ];
    }),
  );
}

function mapNames(): MapName[] {
  // The keys of an object literal are its type's.
  return Object.keys(MAPS) as MapName[];
}

function hasAllMaps(folder: string): boolean {
  return mapNames().every((name) => existsSync(join(folder, MAP_PIN + name)));
}

function earlierVersions(pinRoot: string): string[] {
  if (!existsSync(pinRoot)) return [];
  return readdirSync(pinRoot).flatMap((name) => (name.startsWith(VERSION) ? [join(pinRoot, name)] : []));
}

function removePins(folder: string): void {
  for (const name of readdirSync(folder)) unlinkSync(join(folder, name));
  rmSync(folder, { recursive: true });
}
