import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { RaypherError } from '@raypher/shared/errors';
import type * as Koffi from 'koffi';
import { errnoName } from './libc.ts';

/** <linux/landlock.h>; system call numbers are the same on every 64-bit Linux table. */
const CREATE_RULESET = 444;
const ADD_RULE = 445;
const RESTRICT_SELF = 446;
const OPENAT2 = 437;
const CREATE_RULESET_VERSION = 1;
const RULE_PATH_BENEATH = 1;
const RULE_NET_PORT = 2;
const CONNECT_TCP = 2n;
const AT_FDCWD = -100;
const O_PATH = 0o10000000n;
const O_CLOEXEC = 0o2000000n;
const RESOLVE_NO_SYMLINKS = 0x04n;
const PR_SET_NO_NEW_PRIVS = 38;

/** What a ruleset can hold a process to on files: bits of `LANDLOCK_ACCESS_FS_*`. */
export const FILE_RIGHTS = {
  execute: 1 << 0,
  writeFile: 1 << 1,
  readFile: 1 << 2,
  readFolder: 1 << 3,
  removeFolder: 1 << 4,
  removeFile: 1 << 5,
  makeCharacterDevice: 1 << 6,
  makeFolder: 1 << 7,
  makeFile: 1 << 8,
  makeSocket: 1 << 9,
  makeFifo: 1 << 10,
  makeBlockDevice: 1 << 11,
  makeSymlink: 1 << 12,
  /** Links and renames from one folder to another. */
  refer: 1 << 13,
  truncate: 1 << 14,
  controlDevice: 1 << 15,
} as const;

/** First ABI that knows a right; all others are of the first one. */
const RIGHTS_SINCE: readonly { abi: number; right: number }[] = [
  { abi: 2, right: FILE_RIGHTS.refer },
  { abi: 3, right: FILE_RIGHTS.truncate },
  { abi: 5, right: FILE_RIGHTS.controlDevice },
];
const NET_SINCE = 4;
const SCOPES_SINCE = 6;
/** Abstract Unix sockets and signals. */
const SCOPES = 3n;

/** What a process is to be restricted to. Rights are sums of `FILE_RIGHTS`. */
export interface LandlockRules {
  /** Refused unless a rule grants them. */
  readonly handled: number;
  /** A rule on a folder holds for all below. Paths are canonical: no link is followed. */
  readonly rules: readonly { readonly path: string; readonly rights: number }[];
  /** TCP ports that may be connected to; undefined: any. Needs ABI 4. */
  readonly connectPorts: readonly number[] | undefined;
}

interface Calls {
  createRuleset: (number: number, attributes: Buffer | null, size: number, flags: number) => number;
  addRule: (number: number, ruleset: number, type: number, rule: Buffer, flags: number) => number;
  restrictSelf: (number: number, ruleset: number, flags: number) => number;
  openat2: (number: number, folder: number, path: string, how: Buffer, size: number) => number;
  prctl: (option: number, a: number, b: number, c: number, d: number) => number;
  errno: () => number;
}

let loaded: Calls | undefined;

function calls(): Calls {
  loaded ??= load();
  return loaded;
}

function load(): Calls {
  if (process.platform !== 'linux' || !(process.arch === 'x64' || process.arch === 'arm64')) {
    throw new RaypherError('platform/unsupported', 'Landlock is a thing of 64-bit Linux on x64 or arm64.');
  }
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const libc = koffi.load('libc.so.6');
  return {
    // Each with arguments of its own: written as variable ones they would be described anew at every call.
    createRuleset: libc.func('syscall', 'long', ['long', 'const void *', 'size_t', 'uint']),
    addRule: libc.func('syscall', 'long', ['long', 'int', 'int', 'const void *', 'uint']),
    restrictSelf: libc.func('syscall', 'long', ['long', 'int', 'uint']),
    openat2: libc.func('syscall', 'long', ['long', 'int', 'const char *', 'const void *', 'size_t']),
    prctl: libc.func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)'),
    errno: () => koffi.errno(),
  };
}

/**
 * The version of Landlock that this kernel has and has switched on.
 *
 * @throws RaypherError `platform/unsupported` with the reason
 */
export function landlockAbi(): number {
  const { createRuleset, errno } = calls();
  const abi = createRuleset(CREATE_RULESET, null, 0, CREATE_RULESET_VERSION);
  if (abi >= 1) return abi;
  const code = errnoName(errno());
  const why = code === 'ENOSYS' ? 'this kernel has none (Linux 5.13)' : `it is switched off (${code})`;
  throw new RaypherError('platform/unsupported', `Landlock cannot be used: ${why}.`);
}

/** The file rights that a version of Landlock can hold anybody to. */
export function rightsOfAbi(abi: number): number {
  const all = Object.values(FILE_RIGHTS).reduce((sum, right) => sum | right, 0);
  return RIGHTS_SINCE.reduce((sum, since) => (abi < since.abi ? sum & ~since.right : sum), all);
}

/**
 * Restricts this thread, and whatever it executes or starts, for good. No program it executes gains privileges any
 * more, those with the set-user-id bit included.
 *
 * @returns paths that are not there any more, so that nothing is granted on them
 * @throws RaypherError `platform/unsupported`
 */
export function restrictByLandlock({ handled, rules, connectPorts }: LandlockRules): string[] {
  const abi = landlockAbi();
  const usable = rightsOfAbi(abi);
  if (connectPorts !== undefined && abi < NET_SINCE) {
    throw new RaypherError('platform/unsupported', `Landlock ABI ${abi} knows no TCP ports (Linux 6.7).`);
  }
  const net = connectPorts === undefined ? 0n : CONNECT_TCP;
  const ruleset = createRuleset(abi, BigInt(handled & usable), net);
  try {
    const missing = rules.flatMap(({ path, rights }) =>
      addPath(ruleset, path, rights & handled & usable) ? [] : [path],
    );
    for (const port of connectPorts ?? []) addPort(ruleset, port);
    forbidNewPrivileges();
    check('restrict itself', calls().restrictSelf(RESTRICT_SELF, ruleset, 0));
    return missing;
  } finally {
    closeSync(ruleset);
  }
}

/** The condition for all that follows (prctl(2), PR_SET_NO_NEW_PRIVS). */
export function forbidNewPrivileges(): void {
  check('give up new privileges', calls().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

function createRuleset(abi: number, handled: bigint, net: bigint): number {
  const attributes = Buffer.alloc(24);
  attributes.writeBigUInt64LE(handled, 0);
  attributes.writeBigUInt64LE(net, 8);
  attributes.writeBigUInt64LE(SCOPES, 16);
  // An older kernel refuses a structure that is longer than it knows.
  const size = abi >= SCOPES_SINCE ? 24 : abi >= NET_SINCE ? 16 : 8;
  return check('make a ruleset', calls().createRuleset(CREATE_RULESET, attributes, size, 0));
}

/** @returns false when there is no such file */
function addPath(ruleset: number, path: string, rights: number): boolean {
  if (rights === 0) return true;
  const { openat2, addRule } = calls();
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(O_PATH | O_CLOEXEC, 0);
  how.writeBigUInt64LE(RESOLVE_NO_SYMLINKS, 16);
  const fd = openat2(OPENAT2, AT_FDCWD, path, how, how.length);
  // Gone, replaced by a link, or not to be reached by this user: nothing is granted.
  if (fd < 0) return false;
  try {
    const rule = Buffer.alloc(12);
    rule.writeBigUInt64LE(BigInt(rights), 0);
    rule.writeInt32LE(fd, 8);
    const added = addRule(ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0);
    // EINVAL: a folder has become a file. EBADFD: a pseudo file that no rule can name.
    return added === 0;
  } finally {
    closeSync(fd);
  }
}

function addPort(ruleset: number, port: number): void {
  const rule = Buffer.alloc(16);
  rule.writeBigUInt64LE(CONNECT_TCP, 0);
  rule.writeBigUInt64LE(BigInt(port), 8);
  check(`allow port ${port}`, calls().addRule(ADD_RULE, ruleset, RULE_NET_PORT, rule, 0));
}

function check(what: string, result: number): number {
  if (result >= 0) return result;
  throw new RaypherError(
    'platform/unsupported',
    `Landlock could not ${what}: ${errnoName(calls().errno())}.`,
  );
}
