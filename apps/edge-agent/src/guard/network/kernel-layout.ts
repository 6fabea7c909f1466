import { addressBytes } from '../../callers/connection.ts';

/** Layouts that `bpf/network.bpf.c` shares with the agent. Numbers are in the order of bytes of the machine. */
export const SIZES = {
  settings: { key: 4, value: 40 },
  groups: { key: 8, value: 4 },
  listeners: { key: 4, value: 4 },
  connections: { key: 20, value: 72 },
  askers: { key: 20, value: 72 },
  lost: { key: 4, value: 8 },
} as const;
export type MapName = keyof typeof SIZES;

export const PROTOCOLS = { tcp: 6, udp: 17 } as const;
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');
/** The clock of the kernel that user space sees counts in these. */
const NS_PER_TICK = 10_000_000n;

export interface Settings {
  /** Id of the product's control group. */
  readonly folder: bigint;
  /** Of the agent's network namespace. */
  readonly netns: bigint;
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly deadline: bigint;
  /** 0: nobody listens there. */
  readonly ports: {
    readonly tcp4: number;
    readonly tcp6: number;
    readonly dns4: number;
    readonly dns6: number;
  };
  readonly defaultMode: Mode;
}

export type Mode = 'enforce' | 'monitor';

/** Where somebody wanted to go, and who it was. */
export interface Original {
  /** As texts show it: IPv4 in dotted decimal, also where a socket of IPv6 asked for it. */
  readonly address: string;
  readonly port: number;
  /** 0: nobody holds the socket any more, or who does could not be found. */
  readonly pid: number;
  /** Clock ticks since boot. With the pid it names one process. */
  readonly startTime: number;
  /** Id of the control group of its AI agent; 0 when the socket was handed to somebody outside. */
  readonly group: bigint;
  readonly uid: number;
  readonly processName: string;
}

/** A refusal, or in monitor mode what would have been one. */
export interface NetworkEvent {
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly at: bigint;
  readonly group: bigint;
  readonly address: string;
  readonly port: number;
  readonly pid: number;
  readonly operation: 'connect' | 'send' | 'socket';
  readonly blocked: boolean;
  /** Number of the protocol (tcp 6, udp 17, …), and type of the socket. */
  readonly protocol: number;
  readonly type: number;
  readonly processName: string;
}

export const ONLY_KEY = Buffer.alloc(4);

export function encodeSettings({ folder, netns, deadline, ports, defaultMode }: Settings): Buffer {
  const bytes = Buffer.alloc(SIZES.settings.value);
  bytes.writeBigUInt64LE(folder, 0);
  bytes.writeBigUInt64LE(netns, 8);
  bytes.writeBigUInt64LE(deadline, 16);
  // As they stand in packets.
  bytes.writeUInt16BE(ports.tcp4, 24);
  bytes.writeUInt16BE(ports.tcp6, 26);
  bytes.writeUInt16BE(ports.dns4, 28);
  bytes.writeUInt16BE(ports.dns6, 30);
  bytes.writeUInt32LE(modeNumber(defaultMode), 32);
  return bytes;
}

export function modeNumber(mode: Mode): number {
  return mode === 'enforce' ? 1 : 0;
}

/** The other end of a connection, as the agent sees it; undefined when its address cannot be read. */
export function clientKey(
  protocol: keyof typeof PROTOCOLS,
  address: string,
  port: number,
): Buffer | undefined {
  const bytes = addressBytes(address);
  if (bytes === undefined) return undefined;
  const key = Buffer.alloc(SIZES.connections.key);
  Buffer.concat(bytes.length === 4 ? [MAPPED, bytes] : [bytes]).copy(key);
  key.writeUInt16LE(port, 16);
  key.writeUInt16LE(PROTOCOLS[protocol], 18);
  return key;
}

export function decodeOriginal(bytes: Buffer): Original {
  return {
    address: addressText(bytes.subarray(0, 16)),
    port: bytes.readUInt16BE(16),
    pid: bytes.readUInt32LE(20),
    startTime: Number(bytes.readBigUInt64LE(24) / NS_PER_TICK),
    group: bytes.readBigUInt64LE(32),
    uid: bytes.readUInt32LE(48),
    processName: nameText(bytes.subarray(56, 72)),
  };
}

const OPERATIONS = { 1: 'connect', 2: 'send', 3: 'socket' } as const;

export function decodeEvent(bytes: Buffer): NetworkEvent {
  const operation = bytes.readUInt16LE(44);
  return {
    at: bytes.readBigUInt64LE(0),
    group: bytes.readBigUInt64LE(8),
    address: addressText(bytes.subarray(16, 32)),
    port: bytes.readUInt16BE(32),
    pid: bytes.readUInt32LE(36),
    operation: operation === 1 || operation === 2 ? OPERATIONS[operation] : OPERATIONS[3],
    blocked: bytes.readUInt16LE(46) !== 0,
    type: bytes.readUInt16LE(48),
    protocol: bytes.readUInt16LE(50),
    processName: nameText(bytes.subarray(52, 68)),
  };
}

function addressText(bytes: Buffer): string {
  if (bytes.subarray(0, 12).equals(MAPPED)) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function nameText(bytes: Buffer): string {
  return bytes.toString('utf8').split('\0', 1)[0] ?? '';
}
