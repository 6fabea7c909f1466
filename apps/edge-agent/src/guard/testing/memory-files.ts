import { posix } from 'node:path';
import type { FileKind, FileView } from '../landlock/file-view.ts';
import { type Mount, parseMounts } from '../landlock/mounts.ts';

/** A file system made up of paths: "/a/" is a folder, "/a -> /b" a link, "/a = 7" a file with this inode. */
export function memoryFiles(lines: readonly string[], mountinfo = ''): FileView {
  const kinds = new Map<string, FileKind>([['/', 'folder']]);
  const links = new Map<string, string>();
  const inodes = new Map<string, string>();
  for (const line of lines) {
    const [name = '', target] = line.split(' -> ');
    const [file = '', inode] = name.split(' = ');
    const path = file.length > 1 && file.endsWith('/') ? file.slice(0, -1) : file;
    for (let above = posix.dirname(path); above !== '/'; above = posix.dirname(above))
      kinds.set(above, 'folder');
    kinds.set(path, target !== undefined ? 'link' : file.endsWith('/') ? 'folder' : 'file');
    if (target !== undefined) links.set(path, target);
    inodes.set(path, inode ?? path);
  }
  const realPath = (path: string, left = 40): string | undefined => {
    let real = '/';
    for (const part of path.split('/').filter((one) => one !== '')) {
      const next = posix.join(real, part);
      const target = links.get(next);
      if (target !== undefined) {
        if (left === 0) return undefined;
        const followed = realPath(posix.resolve(real, target), left - 1);
        if (followed === undefined) return undefined;
        real = followed;
      } else if (kinds.has(next)) real = next;
      else return undefined;
    }
    return real;
  };
  const mounts: Mount[] = parseMounts(mountinfo);
  return {
    kind: (path) => kinds.get(path) ?? 'missing',
    entries: (folder) =>
      [...kinds].flatMap(([path, kind]) =>
        path !== '/' && posix.dirname(path) === folder ? [{ name: posix.basename(path), kind }] : [],
      ),
    realPath: (path) => realPath(path),
    linkText: (path) => links.get(path),
    identity: (path) => {
      const key = inodes.get(path);
      if (key === undefined) return undefined;
      return { key, names: [...inodes.values()].filter((other) => other === key).length };
    },
    mounts,
  };
}
