import { closeSync, readFileSync, readSync } from 'node:fs';
import type { Stage } from '../stage.ts';

/** @throws Error with the kernel's code when it may not; EIO when it is not there: nothing was learnt */
export function readMarker(stage: Stage, path: string | number): void {
  expectMarker(stage, typeof path === 'number' ? readAll(path) : readFileSync(path, 'utf8'));
}

/** What was read must be the secret: an empty file, or another one, is no success. */
export function expectMarker(stage: Stage, text: string): void {
  if (text.includes(stage.marker)) return;
  throw Object.assign(new Error('EIO: the secret is not in what was read'), { code: 'EIO' });
}

function readAll(fd: number): string {
  const bytes = Buffer.alloc(4096);
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
