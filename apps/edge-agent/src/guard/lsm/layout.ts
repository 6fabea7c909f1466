/**
 * What the kernel programs and the agent share, byte by byte. The other side is bpf/guard.h: change both, and the
 * version, so that programs of another version do not take over maps that they cannot read.
 */
export const LAYOUT_VERSION = 1;

/** Lists that a policy may have in the kernel, without the product's own, which is the first. */
export const MAX_LISTS = 7;
export const NAME_BYTES = 64;
export const AFFIX_BYTES = 15;
export const MAX_GROUPS = 1024;

/** What holds where no rule matched; one more where the list then denies. */
export const RANK_DEFAULT = 0x7ffc;
/** Of an entry that says nothing: greater than all others. */
export const RANK_NONE = 0x7ffe;
/** Rules that a list may have. */
export const MAX_RULES = RANK_DEFAULT / 2;

const OPERATIONS = 4;
const LISTS = 8;
export const WORDS_BYTES = OPERATIONS * LISTS * 2;
export const RANKS_BYTES = 3 * WORDS_BYTES;
export const POLICY_BYTES = 8 + 16 + WORDS_BYTES;

/** Whether a rank is for the file itself, for what lies directly in the folder, or for it and all below. */
export const REACHES = { self: 0, child: 1, below: 2 } as const;
export type Reach = keyof typeof REACHES;

export const POLICY_FLAGS = { names: 1, namesBelow: 2, affixes: 4, network: 8, programs: 16 } as const;

/** Sizes of keys and values, in bytes, by the name of the map. */
export const MAPS = {
  groups: { key: 8, value: 4 },
  assigned: { key: 4, value: 4 },
  policies: { key: 4, value: POLICY_BYTES },
  inodes: { key: 16, value: RANKS_BYTES },
  names: { key: 16 + NAME_BYTES, value: RANKS_BYTES },
  affixes: { key: 24, value: RANKS_BYTES },
  destinations: { key: 24, value: 4 },
  protected: { key: 4, value: 8 },
  settings: { key: 4, value: 24 },
  identity: { key: 4, value: 4 },
  events: { key: 0, value: 0 },
  lost: { key: 4, value: 8 },
  reported: { key: 4, value: 8 },
} as const;
export type MapName = keyof typeof MAPS;

/** Where the rank of an operation in a list stands in eight words. */
export function rankOffset(operation: number, list: number): number {
  return operation * LISTS * 2 + list * 2;
}

/** A file as the kernel numbers it. */
export interface Inode {
  /** `MKDEV(major, minor)`: 12 and 20 bits. */
  readonly dev: number;
  readonly ino: bigint;
}

export function inodeKey(policy: number, { dev, ino }: Inode): Buffer {
  const key = Buffer.alloc(MAPS.inodes.key);
  key.writeUInt32LE(policy, 0);
  key.writeUInt32LE(dev, 4);
  key.writeBigUInt64LE(ino, 8);
  return key;
}

/** @param folder undefined: the name wherever it is */
export function nameKey(policy: number, folder: Inode | undefined, name: string): Buffer {
  const key = Buffer.alloc(MAPS.names.key);
  inodeKey(policy, folder ?? { dev: 0, ino: 0n }).copy(key);
  key.write(name, 16);
  return key;
}

/** @param backwards the name ends with it */
export function affixKey(policy: number, affix: string, backwards: boolean): Buffer {
  const key = Buffer.alloc(MAPS.affixes.key);
  const bytes = Buffer.from(affix);
  key.writeUInt32LE(8 * (4 + 1 + bytes.length), 0);
  key.writeUInt32LE(policy, 4);
  key.writeUInt8(backwards ? 1 : 0, 8);
  (backwards ? bytes.reverse() : bytes).copy(key, 9);
  return key;
}

/** @param port 0: any */
export function destinationKey(address: Buffer, addressBits: number, port: number): Buffer {
  const key = Buffer.alloc(MAPS.destinations.key);
  key.writeUInt32LE(32 + addressBits, 0);
  key.writeUInt16BE(port, 4);
  address.copy(key, 8);
  return key;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
