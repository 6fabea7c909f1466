import { closeSync, existsSync, readFileSync } from 'node:fs';
import { mapShared, rawSystemCall } from '../../../native/raw-system-call.ts';
import { NotHere } from '../attempt-definition.ts';

/** <linux/io_uring.h> */
export const IO_URING_OPERATIONS = { connect: 16, openat: 18, renameat: 35, unlinkat: 36 } as const;

export interface Submission {
  readonly operation: number;
  readonly fd: number;
  /** Address of text or bytes; the caller keeps them alive. */
  readonly address: bigint;
  /** `len`: a mode, or a second folder. */
  readonly length?: number;
  /** `off`: the address of a second path, or the length of an address. */
  readonly offset?: bigint;
  readonly flags?: number;
}

const SETUP_SQPOLL = 2;
const ENTER_GETEVENTS = 1;
const ENTER_SQ_WAKEUP = 2;
const [OFFSET_RINGS, OFFSET_ENTRIES] = [0, 0x10000000];
const COMPLETION_BYTES = 16;

/**
 * Has the kernel make a call through a ring in shared memory, no system call of that name is made by the process.
 *
 * @param polled a thread of the kernel's takes what is in the ring
 * @returns what the call returned
 * @throws Error with the kernel's code
 */
export function submit(entry: Submission, polled = false): number {
  const parameters = Buffer.alloc(120);
  parameters.writeUInt32LE(polled ? SETUP_SQPOLL : 0, 8);
  parameters.writeUInt32LE(100, 16);
  const ring = Number(setUp(parameters));
  try {
    const rings = mapShared(ring, OFFSET_RINGS, 4096);
    const entries = mapShared(ring, OFFSET_ENTRIES, 4096);
    const at = (index: number): number => parameters.readUInt32LE(index);
    // struct io_sqring_offsets at 40, struct io_cqring_offsets at 80.
    const [submissionTail, submissionArray] = [at(44), at(64)];
    const [completionTail, completions] = [at(84), at(100)];
    entries.writeUInt8(entry.operation, 0);
    entries.writeInt32LE(entry.fd, 4);
    entries.writeBigUInt64LE(entry.offset ?? 0n, 8);
    entries.writeBigUInt64LE(entry.address, 16);
    entries.writeUInt32LE(entry.length ?? 0, 24);
    entries.writeUInt32LE(entry.flags ?? 0, 28);
    rings.writeUInt32LE(0, submissionArray);
    rings.writeUInt32LE(1, submissionTail);
    const flags = ENTER_GETEVENTS | (polled ? ENTER_SQ_WAKEUP : 0);
    rawSystemCall('ioUringEnter', ring, 1, 1, flags, null, 0);
    if (rings.readUInt32LE(completionTail) === 0) throw new NotHere('the ring did not answer');
    const result = rings.readInt32LE(completions + COMPLETION_BYTES / 2);
    if (result >= 0) return result;
    throw Object.assign(new Error(`io_uring: errno ${-result}`), {
      code: CODES[-result] ?? `errno ${-result}`,
    });
  } finally {
    closeSync(ring);
  }
}

const CODES: Readonly<Record<number, string>> = { 1: 'EPERM', 13: 'EACCES', 111: 'ECONNREFUSED' };

function setUp(parameters: Buffer): bigint {
  try {
    return rawSystemCall('ioUringSetup', 4, parameters);
  } catch (error) {
    // Refused to this process alone: that is a guard's doing, where the machine has it.
    if (!isSwitchedOff() && error instanceof Error && 'code' in error && error.code === 'EPERM') throw error;
    throw new NotHere(`io_uring is not to be had: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Kernels before 6.6 have no such switch. */
function isSwitchedOff(): boolean {
  const setting = '/proc/sys/kernel/io_uring_disabled';
  return existsSync(setting) && readFileSync(setting, 'utf8').trim() !== '0';
}
