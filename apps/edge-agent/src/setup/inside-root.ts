import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { RaypherError } from '@raypher/shared';

/**
 * Makes sure that what is written below the root of an image stays there: an image can hold links to anywhere, and
 * they would be followed from the root of this system.
 *
 * @throws RaypherError `config/invalid` for a path that leads out
 */
export function requireInside(root: string, path: string): void {
  if (root === '/') return;
  const real = realpathSync(root);
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw leadsOut(path);
  let there = path;
  // Up to what exists: what does not will be made inside.
  while (!existsSync(there)) {
    if (lstatSync(there, { throwIfNoEntry: false }) !== undefined) throw leadsOut(there);
    there = dirname(there);
  }
  const found = realpathSync(there);
  // Exactly where it is said to be, so that no link was followed on the way.
  if (found !== join(real, relative(root, there))) throw leadsOut(there);
}

function leadsOut(path: string): RaypherError {
  return new RaypherError('config/invalid', `${path} is reached through a symbolic link.`, {
    hint: 'In an image, links would lead to files of this system. Install inside the image instead (chroot, package).',
  });
}
