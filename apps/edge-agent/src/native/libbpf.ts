import { createRequire } from 'node:module';
import { RaypherError } from '@raypher/shared';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';

/** Handles of libbpf; what they point to is libbpf's alone. */
type Pointer = unknown;

interface Library {
  open: (file: string, options: null) => Pointer;
  load: (object: Pointer) => number;
  closeObject: (object: Pointer) => void;
  nextProgram: (object: Pointer, previous: Pointer | null) => Pointer | null;
  findProgram: (object: Pointer, name: string) => Pointer | null;
  programName: (program: Pointer) => string;
  programSection: (program: Pointer) => string;
  setAutoload: (program: Pointer, isOn: boolean) => number;
  attach: (program: Pointer) => Pointer | null;
  attachCgroup: (program: Pointer, cgroupFd: number) => Pointer | null;
  pinLink: (link: Pointer, path: string) => number;
  openLink: (path: string) => Pointer | null;
  updateLink: (link: Pointer, program: Pointer) => number;
  destroyLink: (link: Pointer) => number;
  findMap: (object: Pointer, name: string) => Pointer | null;
  mapFd: (map: Pointer) => number;
  pinMap: (map: Pointer, path: string) => number;
  reuseMap: (map: Pointer, fd: number) => number;
  objGet: (path: string) => number;
  updateElement: (fd: number, key: Buffer, value: Buffer, flags: bigint) => number;
  lookUpElement: (fd: number, key: Buffer, value: Buffer) => number;
  deleteElement: (fd: number, key: Buffer) => number;
  nextKey: (fd: number, key: Buffer | null, next: Buffer) => number;
  newRingBuffer: (fd: number, callback: Pointer, context: null, options: null) => Pointer | null;
  consumeRingBuffer: (ring: Pointer) => number;
  freeRingBuffer: (ring: Pointer) => void;
  register: (callback: (context: Pointer, data: Pointer, size: bigint | number) => number) => bigint;
  unregister: (callback: bigint) => void;
  view: (data: Pointer, length: number) => ArrayBuffer;
  loadKernelTypes: () => Pointer | null;
  findType: (types: Pointer, name: string, kind: number) => number;
  typeById: (types: Pointer, id: number) => Pointer | null;
  possibleCpus: () => number;
  errno: () => number;
  /** What libbpf said since the last call, the verifier's log included. */
  takeLog: () => string;
}

/** Of libbpf's messages, the latest are kept: a verifier's verdict is at their end. */
const KEPT_LOG_LINES = 200;
const LEVEL_WARN = 0;

let loaded: Library | undefined;

function library(): Library {
  loaded ??= load();
  return loaded;
}

/**
 * Whether programs can be loaded into this kernel from here at all. That they then enforce anything only canaries
 * show.
 *
 * @returns why not; undefined when libbpf is there
 */
export function libbpfMissing(): string | undefined {
  try {
    library();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function load(): Library {
  if (process.platform !== 'linux') {
    throw new RaypherError('platform/unsupported', 'Kernel programs (BPF) are a thing of Linux.');
  }
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  let libbpf: Koffi.LibraryHandle;
  try {
    libbpf = koffi.load('libbpf.so.1');
  } catch (cause) {
    throw new RaypherError('platform/unsupported', 'libbpf.so.1 is missing.', {
      hint: 'Install it: apt-get install libbpf1 (Debian, Ubuntu), dnf install libbpf (Fedora, RHEL).',
      cause,
    });
  }
  const takeLog = collectLog(koffi, libbpf);
  const record = koffi.proto('int raypher_ring_record(void *ctx, void *data, size_t size)');
  return {
    open: libbpf.func('void *bpf_object__open_file(const char *path, void *options)'),
    load: libbpf.func('int bpf_object__load(void *object)'),
    closeObject: libbpf.func('void bpf_object__close(void *object)'),
    nextProgram: libbpf.func('void *bpf_object__next_program(void *object, void *previous)'),
    findProgram: libbpf.func('void *bpf_object__find_program_by_name(void *object, const char *name)'),
    programName: libbpf.func('const char *bpf_program__name(void *program)'),
    programSection: libbpf.func('const char *bpf_program__section_name(void *program)'),
    setAutoload: libbpf.func('int bpf_program__set_autoload(void *program, bool autoload)'),
    attach: libbpf.func('void *bpf_program__attach(void *program)'),
    attachCgroup: libbpf.func('void *bpf_program__attach_cgroup(void *program, int fd)'),
    pinLink: libbpf.func('int bpf_link__pin(void *link, const char *path)'),
    openLink: libbpf.func('void *bpf_link__open(const char *path)'),
    updateLink: libbpf.func('int bpf_link__update_program(void *link, void *program)'),
    destroyLink: libbpf.func('int bpf_link__destroy(void *link)'),
    findMap: libbpf.func('void *bpf_object__find_map_by_name(void *object, const char *name)'),
    mapFd: libbpf.func('int bpf_map__fd(void *map)'),
    pinMap: libbpf.func('int bpf_map__pin(void *map, const char *path)'),
    reuseMap: libbpf.func('int bpf_map__reuse_fd(void *map, int fd)'),
    objGet: libbpf.func('int bpf_obj_get(const char *path)'),
    updateElement: libbpf.func(
      'int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)',
    ),
    lookUpElement: libbpf.func('int bpf_map_lookup_elem(int fd, const void *key, void *value)'),
    deleteElement: libbpf.func('int bpf_map_delete_elem(int fd, const void *key)'),
    nextKey: libbpf.func('int bpf_map_get_next_key(int fd, const void *key, void *next)'),
    newRingBuffer: libbpf.func(
      'void *ring_buffer__new(int fd, raypher_ring_record *callback, void *ctx, void *options)',
    ),
    consumeRingBuffer: libbpf.func('int ring_buffer__consume(void *ring)'),
    freeRingBuffer: libbpf.func('void ring_buffer__free(void *ring)'),
    loadKernelTypes: libbpf.func('void *btf__load_vmlinux_btf()'),
    findType: libbpf.func('int btf__find_by_name_kind(const void *types, const char *name, uint32_t kind)'),
    typeById: libbpf.func('const void *btf__type_by_id(const void *types, uint32_t id)'),
    possibleCpus: libbpf.func('int libbpf_num_possible_cpus()'),
    register: (callback) => koffi.register(callback, koffi.pointer(record)),
    unregister: (callback) => koffi.unregister(callback),
    view: (data, length) => koffi.view(data, length),
    errno: () => koffi.errno(),
    takeLog,
  };
}

/** libbpf prints to the standard error output unless somebody else takes its messages. */
function collectLog(koffi: typeof Koffi, libbpf: Koffi.LibraryHandle): () => string {
  const lines: string[] = [];
  const print = koffi.proto('int raypher_libbpf_print(int level, const char *format, void *arguments)');
  const format = koffi
    .load('libc.so.6')
    .func('int vsnprintf(_Out_ uint8_t *text, size_t size, const char *format, void *arguments)');
  const callback = koffi.register((level: number, text: string, values: Pointer) => {
    if (level > LEVEL_WARN) return 0;
    const bytes = Buffer.alloc(65_536);
    const length = Number(format(bytes, bytes.length, text, values));
    lines.push(bytes.toString('latin1', 0, Math.max(0, Math.min(length, bytes.length - 1))));
    if (lines.length > KEPT_LOG_LINES) lines.shift();
    return length;
  }, koffi.pointer(print));
  libbpf.func('void *libbpf_set_print(raypher_libbpf_print *callback)')(callback);
  return () => lines.splice(0).join('');
}

/** <linux/btf.h> */
const KIND_FUNCTION = 12;
const MAX_PARAMETERS = 0xffff;
const TYPE_BYTES = 12;

/**
 * How many things a hook of the kernel's security modules is given, by the kernel's own description of itself (BTF).
 *
 * @returns undefined when this kernel has no such hook
 */
export function hookParameters(hook: string): number | undefined {
  const { findType } = library();
  const types = kernelTypes();
  const id = findType(types, `bpf_lsm_${hook}`, KIND_FUNCTION);
  if (id < 0) return undefined;
  // struct btf_type: name, info with the number of parameters in its lower half, type.
  const prototype = describeType(types, describeType(types, id).readUInt32LE(8));
  return prototype.readUInt32LE(4) & MAX_PARAMETERS;
}

let describedKernel: Pointer | undefined;

function kernelTypes(): Pointer {
  const { loadKernelTypes, errno } = library();
  describedKernel ??= loadKernelTypes() ?? undefined;
  if (describedKernel === undefined) throw failure('read what types this kernel has (BTF)', errno());
  return describedKernel;
}

function describeType(types: Pointer, id: number): Buffer {
  const { typeById, view } = library();
  const type = typeById(types, id);
  if (type === null) throw new TypeError(`the kernel has no type ${id}`);
  return Buffer.from(view(type, TYPE_BYTES));
}

/** Values of a per-processor map are this many. */
export function possibleCpus(): number {
  return library().possibleCpus();
}

/** A compiled file of kernel programs: opened, adjusted, loaded, attached. */
export class BpfObject implements Disposable {
  readonly #object: Pointer;
  #open = true;

  private constructor(object: Pointer) {
    this.#object = object;
  }

  /**
   * @param file made by the compiler, with type information (BTF)
   * @throws RaypherError `platform/unsupported` when libbpf is missing or cannot read the file
   */
  static open(file: string): BpfObject {
    const { open, errno, takeLog } = library();
    takeLog();
    const object = open(file, null);
    if (object === null) throw failure(`open ${file}`, errno());
    return new BpfObject(object);
  }

  programs(): { name: string; section: string }[] {
    const { nextProgram, programName, programSection } = library();
    const found: { name: string; section: string }[] = [];
    for (let program = nextProgram(this.#object, null); program !== null; ) {
      found.push({ name: programName(program), section: programSection(program) });
      program = nextProgram(this.#object, program);
    }
    return found;
  }

  /** Before loading: leaves a program out. */
  leaveOut(name: string): void {
    library().setAutoload(this.#program(name), false);
  }

  /** Before loading: takes a map that exists already, instead of creating one. */
  reuseMap(name: string, fd: number): void {
    const { reuseMap, errno } = library();
    if (reuseMap(this.#map(name), fd) !== 0) throw failure(`take over the map ${name}`, errno());
  }

  /** @throws RaypherError `platform/unsupported` with the end of the verifier's log in its details */
  load(): void {
    const { load, errno } = library();
    if (load(this.#object) !== 0) throw failure('load the programs', errno());
  }

  attach(name: string): BpfLink {
    const { attach, errno } = library();
    const link = attach(this.#program(name));
    if (link === null) throw failure(`attach ${name}`, errno());
    return new BpfLink(link);
  }

  /** @param cgroupFd of the control group's folder; may be closed afterwards */
  attachToCgroup(name: string, cgroupFd: number): BpfLink {
    const { attachCgroup, errno } = library();
    const link = attachCgroup(this.#program(name), cgroupFd);
    if (link === null) throw failure(`attach ${name} to the control group`, errno());
    return new BpfLink(link);
  }

  /** After loading: puts a program in the place of the one that is attached, without a moment between them. */
  replaceIn(link: BpfLink, name: string): void {
    link.update(this.#program(name));
  }

  /** After loading. Valid as long as this object is open. */
  mapFd(name: string): number {
    return library().mapFd(this.#map(name));
  }

  /** After loading. */
  pinMap(name: string, path: string): void {
    const { pinMap, errno } = library();
    if (pinMap(this.#map(name), path) !== 0) throw failure(`pin the map ${name}`, errno());
  }

  /** What is attached or pinned stays. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    library().closeObject(this.#object);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #program(name: string): Pointer {
    const program = library().findProgram(this.#object, name);
    if (program === null) throw new TypeError(`there is no kernel program ${name}`);
    return program;
  }

  #map(name: string): Pointer {
    const map = library().findMap(this.#object, name);
    if (map === null) throw new TypeError(`there is no map ${name}`);
    return map;
  }
}

/** What keeps a program attached. It goes with this process unless it is pinned. */
export class BpfLink implements Disposable {
  readonly #link: Pointer;
  #open = true;

  constructor(link: Pointer) {
    this.#link = link;
  }

  /** One that an earlier process pinned; undefined when it does not exist. */
  static openPinned(path: string): BpfLink | undefined {
    const link = library().openLink(path);
    return link === null ? undefined : new BpfLink(link);
  }

  /** @param path in a file system of type bpf; the program then stays attached until the file is removed */
  pin(path: string): void {
    const { pinLink, errno } = library();
    if (pinLink(this.#link, path) !== 0) throw failure(`pin ${path}`, errno());
  }

  /** @param program of an object that is loaded */
  update(program: Pointer): void {
    const { updateLink, errno } = library();
    if (updateLink(this.#link, program) !== 0) throw failure('replace an attached program', errno());
  }

  /** Ends the attachment, or with a pin only this process's hold on it. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    library().destroyLink(this.#link);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** @returns a descriptor of a pinned map or program, to be closed; undefined when there is none */
export function openPinned(path: string): number | undefined {
  const fd = library().objGet(path);
  return fd < 0 ? undefined : fd;
}

/** A map that kernel programs and the agent share. Keys and values have the sizes that the program gave them. */
export class BpfMap {
  readonly #fd: number;
  readonly #keyBytes: number;
  readonly #valueBytes: number;

  constructor(fd: number, sizes: { key: number; value: number }) {
    this.#fd = fd;
    this.#keyBytes = sizes.key;
    this.#valueBytes = sizes.value;
  }

  get(key: Buffer): Buffer | undefined {
    this.#check(key, this.#keyBytes);
    const value = Buffer.alloc(this.#valueBytes);
    return library().lookUpElement(this.#fd, key, value) === 0 ? value : undefined;
  }

  /** @throws RaypherError `internal/unexpected` when the map is full */
  set(key: Buffer, value: Buffer): void {
    this.#check(key, this.#keyBytes);
    this.#check(value, this.#valueBytes);
    const { updateElement, errno } = library();
    if (updateElement(this.#fd, key, value, 0n) !== 0) throw failure('write a map', errno());
  }

  /** @returns whether it was there */
  delete(key: Buffer): boolean {
    this.#check(key, this.#keyBytes);
    return library().deleteElement(this.#fd, key) === 0;
  }

  keys(): Buffer[] {
    const { nextKey } = library();
    const keys: Buffer[] = [];
    for (let last: Buffer | null = null; ; ) {
      const next = Buffer.alloc(this.#keyBytes);
      if (nextKey(this.#fd, last, next) !== 0) return keys;
      keys.push(next);
      last = next;
    }
  }

  #check(bytes: Buffer, expected: number): void {
    if (bytes.length !== expected) throw new RangeError(`${bytes.length} bytes where ${expected} belong`);
  }
}

/** Records that kernel programs leave for the agent, in order. */
export class RingBuffer implements Disposable {
  readonly #ring: Pointer;
  readonly #callback: bigint;
  #open = true;
  #left = 0;

  /** @param receive gets a copy of each record */
  constructor(mapFd: number, receive: (record: Buffer) => void) {
    const { newRingBuffer, register, view, errno } = library();
    this.#callback = register((_context, data, size) => {
      this.#left--;
      receive(Buffer.from(Buffer.from(view(data, Number(size)))));
      // Below 0 libbpf stops, with this record done.
      return this.#left > 0 ? 0 : -1;
    });
    const ring = newRingBuffer(mapFd, this.#callback, null, null);
    if (ring === null) throw failure('open a ring buffer', errno());
    this.#ring = ring;
  }

  /**
   * Hands over what is there. As many as `limit`: whoever writes faster than this reads must not keep it for ever.
   *
   * @returns how many records
   */
  consume(limit = 512): number {
    if (!this.#open) return 0;
    this.#left = limit;
    library().consumeRingBuffer(this.#ring);
    return limit - this.#left;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const { freeRingBuffer, unregister } = library();
    freeRingBuffer(this.#ring);
    unregister(this.#callback);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function failure(what: string, errno: number): RaypherError {
  const log = library().takeLog();
  return new RaypherError('platform/unsupported', `Could not ${what}: ${errnoName(errno)}.`, {
    details: { errno, log: log.slice(-2000) },
  });
}
