import { lstatSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';

const WRITABLE_BY_OTHERS = 0o022;
/** In such a folder, like /tmp, nobody replaces or renames what is root's (inode(7)). */
const STICKY = 0o1000;

/**
 * Why somebody else than root could replace this program, and so change what root starts or allows.
 *
 * @param place `permanent`: a folder like /tmp will not do either, because it is emptied and anybody fills it
 * @returns undefined when nobody can
 */
export function whyReplaceable(path: string, place: 'permanent' | 'anywhere'): string | undefined {
  let at = realpathSync(path);
  for (;;) {
    const found = lstatSync(at);
    const { uid, mode } = found;
    if (uid !== 0) return `${at} belongs to user ${uid}`;
    const keepsOthersOut = place === 'anywhere' && found.isDirectory() && (mode & STICKY) !== 0;
    if ((mode & WRITABLE_BY_OTHERS) !== 0 && !keepsOthersOut) return `others than root can write to ${at}`;
    const above = dirname(at);
    if (above === at) return undefined;
    at = above;
  }
}
