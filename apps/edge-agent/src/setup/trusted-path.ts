import { lstatSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;

/**
 * Why somebody else than root could replace this program: a service that root starts must not be theirs to change.
 *
 * @returns undefined when nobody can
 */
export function whyReplaceable(path: string): string | undefined {
  let at = realpathSync(path);
  for (;;) {
    const { uid, mode } = lstatSync(at);
    if (uid !== 0) return `${at} belongs to user ${uid}`;
    if ((mode & WRITABLE_BY_OTHERS) !== 0) return `others than root can write to ${at}`;
    const above = dirname(at);
    if (above === at) return undefined;
    at = above;
  }
}
