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
}

export const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
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
  let leftOutBytes = 0;
  let taken = 0;
  for (const [index, process] of processes.entries()) {
    const share = Math.floor((maxBytes - taken) / (processes.length - index));
    const own = await copyMemory(process.pid, pageBytes, share);
    // Another process by now would be somebody else's memory.
    if (!isAlive(process)) continue;
    leftOutBytes += own.leftOutBytes;
    for (const { content, ...segment } of own.segments) {
      segments.push({ ...segment, offset: taken });
      chunks.push(content);
      taken += content.length;
    }
  }
  return { segments, leftOutBytes, content: Buffer.concat(chunks) };
}

async function copyMemory(
  pid: number,
  pageBytes: number,
  maxBytes: number,
): Promise<{ segments: (Omit<MemorySegment, 'offset'> & { content: Buffer })[]; leftOutBytes: number }> {
  const segments: (Omit<MemorySegment, 'offset'> & { content: Buffer })[] = [];
  let leftOutBytes = 0;
  let room = Math.floor(maxBytes / pageBytes) * pageBytes;
  const shown = shownUnder(pid);
  for (const { start, bytes, region } of runsOf(shown, pageBytes)) {
    const wanted = Math.min(bytes, room);
    leftOutBytes += bytes - wanted;
    for (let at = 0; at < wanted; at += CHUNK_BYTES) {
      const content = readAt(`/proc/${shown}/mem`, start + at, Math.min(CHUNK_BYTES, wanted - at));
      if (content.length === 0) break;
      segments.push({ pid, start: (start + at).toString(16), bytes: content.length, region, content });
      room -= content.length;
      await breathe();
    }
  }
  return { segments, leftOutBytes };
}

interface Run {
  start: number;
  bytes: number;
  region: string;
}

function runsOf(pid: number, pageBytes: number): Run[] {
  const maps = readProcText(`/proc/${pid}/maps`);
  if (!maps.ok) return [];
  return maps.value.split('\n').flatMap((line) => {
    const [, from, to, permissions, inode, path = ''] =
      /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)\s*(.*)$/.exec(line) ?? [];
    if (from === undefined || to === undefined || !permissions?.startsWith('rw') || inode !== '0') return [];
    if (path !== '' && !/^\[(heap|stack|anon)/.test(path)) return [];
    return presentRuns(pid, Number.parseInt(from, 16), Number.parseInt(to, 16), pageBytes, path);
  });
}

/** Eight bytes per page say whether it is there. */
function presentRuns(pid: number, from: number, to: number, pageBytes: number, region: string): Run[] {
  const runs: Run[] = [];
  const pages = (to - from) / pageBytes;
  for (let first = 0; first < pages; first += CHUNK_BYTES / 8) {
    const count = Math.min(CHUNK_BYTES / 8, pages - first);
    const map = readAt(`/proc/${pid}/pagemap`, (from / pageBytes + first) * 8, count * 8);
    for (let page = 0; page * 8 + 8 <= map.length; page += 1) {
      if (((map[page * 8 + 7] ?? 0) & PRESENT) === 0) continue;
      const start = from + (first + page) * pageBytes;
      const last = runs.at(-1);
      if (last !== undefined && last.start + last.bytes === start) last.bytes += pageBytes;
      else runs.push({ start, bytes: pageBytes, region });
    }
  }
  return runs;
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
