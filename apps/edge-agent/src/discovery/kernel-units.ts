import { readProcFile } from './procfs.ts';

/** Units that /proc counts in. */
export interface KernelUnits {
  pageBytes: number;
  ticksPerSecond: number;
}

// Keys of the auxiliary vector (getauxval(3)).
const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;

/**
 * From the auxiliary vector that the kernel hands to every program: pages are 4 KiB on x64 but 16 or 64 KiB on some
 * arm64. A process that gave up its rights may not read even its own; then the usual values have to do.
 */
export function readKernelUnits(): KernelUnits {
  const units: KernelUnits = { pageBytes: 4096, ticksPerSecond: 100 };
  readProcFile('/proc/self/auxv', (vector) => {
    for (let offset = 0; offset + 16 <= vector.length; offset += 16) {
      const key = vector.readBigUInt64LE(offset);
      const value = Number(vector.readBigUInt64LE(offset + 8));
      if (key === AT_PAGESZ) units.pageBytes = value;
      if (key === AT_CLKTCK) units.ticksPerSecond = value;
    }
  });
  return units;
}
