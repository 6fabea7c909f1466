/** Longer paths exist on no system that we run on; PATH_MAX is 4096 on Linux. */
const MAX_PATH_LENGTH = 4096;

/**
 * The one spelling of a path that rules are matched against: absolute, without `.`, `..`, repeated or
 * trailing slashes; drive letters in upper case and with slashes. Purely lexical: links are for the caller to
 * resolve, who knows the file system.
 *
 * @returns `undefined` for what is not an absolute path.
 * @example normalisePath('/home/ann/../bob//x/') // '/home/bob/x'
 */
export function normalisePath(written: string): string | undefined {
  if (written.length > MAX_PATH_LENGTH || written.includes('\0')) return undefined;
  const drive = /^[a-zA-Z]:[\\/]/.test(written) ? written.slice(0, 2).toUpperCase() : '';
  const path = drive === '' ? written : written.slice(2).replaceAll('\\', '/');
  if (!path.startsWith('/')) return undefined;
  // Almost every path arrives clean; only the others are taken apart.
  if (drive === '' && path.length > 1 && !/\/(?:\.{0,2}(?:\/|$))/.test(path)) return path;
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') kept.pop();
    else kept.push(part);
  }
  return `${drive}/${kept.join('/')}`;
}
