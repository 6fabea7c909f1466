import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runTool } from './run-tool.ts';

const NICKNAME = 'Raypher interception';

/** Folders with a database of the kind that browsers keep (NSS): the system's, and those of people. */
export function nssStores(passwd = '/etc/passwd'): string[] {
  const homes = readFileSync(passwd, 'utf8')
    .split('\n')
    .map((line) => line.split(':')[5] ?? '')
    .filter((home) => home.startsWith('/') && home !== '/');
  const folders = [
    '/etc/pki/nssdb',
    ...[...new Set(homes)].flatMap((home) => [
      join(home, '.pki/nssdb'),
      join(home, 'snap/chromium/current/.pki/nssdb'),
      ...firefoxProfiles(join(home, '.mozilla/firefox')),
      ...firefoxProfiles(join(home, 'snap/firefox/common/.mozilla/firefox')),
    ]),
  ];
  return folders.filter((folder) => existsSync(join(folder, 'cert9.db')));
}

function firefoxProfiles(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** @param fingerprint SHA-256, hex */
export function nssTrusts(store: string, fingerprint: string): boolean {
  const { ok, output } = certutil(store, ['-L', '-n', NICKNAME, '-a']);
  try {
    return ok && new X509Certificate(output).fingerprint256.replaceAll(':', '').toLowerCase() === fingerprint;
  } catch {
    return false;
  }
}

/** For TLS servers only. @returns why it did not work */
export function addToNss(store: string, certificate: string): string | undefined {
  removeFromNss(store);
  const { ok, said } = certutil(store, ['-A', '-n', NICKNAME, '-t', 'C,,', '-a'], certificate);
  return ok ? undefined : said;
}

/** @returns why it did not work */
export function removeFromNss(store: string): string | undefined {
  const { ok, said } = certutil(store, ['-D', '-n', NICKNAME]);
  return ok ? undefined : said;
}

/** With the rights of whoever owns the folder: in the home of somebody else, names can lead anywhere. */
function certutil(store: string, args: readonly string[], input?: string): ReturnType<typeof runTool> {
  const { uid, gid } = statSync(existsSync(store) ? store : dirname(store));
  return runTool('certutil', ['-d', `sql:${store}`, ...args], {
    as: { uid, gid },
    ...(input === undefined ? {} : { input }),
  });
}
