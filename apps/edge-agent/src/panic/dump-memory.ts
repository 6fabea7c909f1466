import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { errorCode, readProcText } from '../discovery/procfs.ts';
import { isAlive, shownUnder } from '../discovery/stat.ts';
import type { ProcessRef } from '../response/tree.ts';

/** A run of pages of one process; its bytes lie at `offset` of the dump. */
export interface MemorySegment {
  pid: number;
  /** Address, hexadecimal. */
  start: string;
  bytes: number;
  offset: number;
  /** "[heap]", "[stack]", or empty. */
  region: string;
}

export interface MemoryDump {
  segments: MemorySegment[];
  /** Bytes that were there and did not fit. */
  leftOutBytes: number;
  content: Buffer;
  /** What nobody looked at, and why. */
  gaps: string[];
}

export const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
/**
 * Of addresses that are looked through for pages that are there, for all together: a process can have 128 TiB of them
 * for nothing, and the kernel says eight bytes about each page.
 */
const MAX_LOOKED_BYTES = 256 * 1024 ** 3;
const CHUNK_BYTES = 1024 * 1024;
/** Bits of /proc/PID/pagemap (proc_pid_pagemap(5)): in memory, or swapped out. */
const PRESENT = 0xc0;

/**
 * Copies the writable anonymous memory of processes that stand still: heaps and stacks, which hold what they worked
 * on. Files they mapped are on the disk; pages they never touched are left out.
 *
 * @param maxBytes for all together; each process gets its share, the first ones what others leave
 */
export async function dumpMemory(
  processes: readonly ProcessRef[],
  pageBytes: number,
  maxBytes = MAX_MEMORY_BYTES,
): Promise<MemoryDump> {
  const chunks: Buffer[] = [];
  const segments: MemorySegment[] = [];
  const gaps: string[] = [];
  let leftOutBytes = 0;
  let taken = 0;
  let looked = 0;
  for (const [index, process] of processes.entries()) {
    const shareOf = (rest: number): number => Math.floor(rest / (processes.length - index));
    const own = await copyMemory(process.pid, pageBytes, {
      bytes: shareOf(maxBytes - taken),
      addresses: shareOf(MAX_LOOKED_BYTES - looked),
    });
    looked += own.lookedBytes;
    // Another process by now would be somebody else's memory.
    if (!isAlive(process)) continue;
    leftOutBytes += own.leftOutBytes;
    if (own.unseenBytes > 0) {
      gaps.push(
        `memory of process ${process.pid}: ${own.unseenBytes} bytes of addresses were too many to look at`,
      );
    }
    for (const { content, ...segment } of own.segments) {
      segments.push({ ...segment, offset: taken });
      chunks.push(content);
      taken += content.length;
    }
  }
  return { segments, leftOutBytes, content: Buffer.concat(chunks), gaps };
}

interface Copy {
  segments: (Omit<MemorySegment, 'offset'> & { content: Buffer })[];
  leftOutBytes: number;
  /** Addresses that were looked at, and that were not. */
  lookedBytes: number;
  unseenBytes: number;
}

async function copyMemory(
  pid: number,
  pageBytes: number,
  most: { bytes: number; addresses: number },
): Promise<Copy> {
  const copy: Copy = { segments: [], leftOutBytes: 0, lookedBytes: 0, unseenBytes: 0 };
  let room = Math.floor(most.bytes / pageBytes) * pageBytes;
  const shown = shownUnder(pid);
  for (const { from, to, region } of mappingsOf(shown)) {
    const end = Math.min(to, from + Math.max(0, most.addresses - copy.lookedBytes));
    copy.lookedBytes += end - from;
    copy.unseenBytes += to - end;
    for await (const { start, bytes } of presentRuns(shown, from, end, pageBytes)) {
      const wanted = Math.min(bytes, room);
      copy.leftOutBytes += bytes - wanted;
      for (let at = 0; at < wanted; at += CHUNK_BYTES) {
        const content = readAt(`/proc/${shown}/mem`, start + at, Math.min(CHUNK_BYTES, wanted - at));
        if (content.length === 0) break;
        const address = (start + at).toString(16);
        copy.segments.push({ pid, start: address, bytes: content.length, region, content });
        room -= content.length;
        await breathe();
      }
    }
  }
  return copy;
}

interface Mapping {
  from: number;
  to: number;
  region: string;
}

/** Small ones first: what a process works with is not to be missed for a huge one that is empty. */
function mappingsOf(pid: number): Mapping[] {
  const maps = readProcText(`/proc/${pid}/maps`);
  if (!maps.ok) return [];
  const mappings = maps.value.split('\n').flatMap((line) => {
    const [, from, to, permissions, inode, path = ''] =
      /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)\s*(.*)$/.exec(line) ?? [];
    if (from === undefined || to === undefined || !permissions?.startsWith('rw') || inode !== '0') return [];
    if (path !== '' && !/^\[(heap|stack|anon)/.test(path)) return [];
    return [{ from: Number.parseInt(from, 16), to: Number.parseInt(to, 16), region: path }];
  });
  return mappings.sort((a, b) => a.to - a.from - (b.to - b.from));
}

/** Eight bytes per page say whether it is there. */
async function* presentRuns(
  pid: number,
  from: number,
  to: number,
  pageBytes: number,
): AsyncGenerator<{ start: number; bytes: number }> {
  const pages = Math.floor((to - from) / pageBytes);
  let run: { start: number; bytes: number } | undefined;
  for (let first = 0; first < pages; first += CHUNK_BYTES / 8) {
    if (first > 0) await breathe();
    const count = Math.min(CHUNK_BYTES / 8, pages - first);
    const map = readAt(`/proc/${pid}/pagemap`, (from / pageBytes + first) * 8, count * 8);
    for (let page = 0; page * 8 + 8 <= map.length; page += 1) {
      if (((map[page * 8 + 7] ?? 0) & PRESENT) === 0) continue;
      const start = from + (first + page) * pageBytes;
      if (run !== undefined && run.start + run.bytes === start) {
        run.bytes += pageBytes;
        continue;
      }
      if (run !== undefined) yield run;
      run = { start, bytes: pageBytes };
    }
  }
  if (run !== undefined) yield run;
}

/** @returns as much as could be read */
function readAt(path: string, position: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  try {
    const file = openSync(path, 'r');
    try {
      return buffer.subarray(0, readSync(file, buffer, 0, bytes, position));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return buffer.subarray(0, 0);
  }
}
