import { isSea } from 'node:sea';

/** What starts this program again, whichever way it is installed; arguments follow. */
export function selfCommand(): [program: string, ...first: string[]] {
  if (isSea()) return [process.execPath];
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return [process.execPath, new URL(`./cli/main.${extension}`, import.meta.url).pathname];
}
