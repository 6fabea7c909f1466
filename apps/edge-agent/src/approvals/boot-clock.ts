import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** A clock that nobody sets: it starts with the machine and goes on while the machine sleeps (CLOCK_BOOTTIME). */
export interface BootClock {
  /** Which boot; times of different boots have nothing to do with each other. */
  readonly boot: string;
  /** Milliseconds since boot. */
  now(): number;
}

export function bootClock(): BootClock {
  return {
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    now: () => Math.round(uptime() * 1000),
  };
}
