import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { isOnPath, runTool } from './run-tool.ts';

/** How a kind of system is told whom to trust. */
export interface SystemTrust {
  /** The file that we add. */
  anchor: string;
  /** What makes the system take it over. */
  refresh: readonly string[];
  /** What makes the system forget it once it is gone. */
  forget: readonly string[];
  /** What comes of it, for programs that want one file. */
  bundle: string;
}

const KINDS: readonly SystemTrust[] = [
  // Debian, Ubuntu, Alpine; its hooks do the same for Java.
  {
    anchor: '/usr/local/share/ca-certificates/raypher.crt',
    refresh: ['update-ca-certificates'],
    // Without it, links that lead nowhere stay.
    forget: ['update-ca-certificates', '--fresh'],
    bundle: '/etc/ssl/certs/ca-certificates.crt',
  },
  // Red Hat, Fedora, Amazon Linux
  {
    anchor: '/etc/pki/ca-trust/source/anchors/raypher.pem',
    refresh: ['update-ca-trust', 'extract'],
    forget: ['update-ca-trust', 'extract'],
    bundle: '/etc/pki/tls/certs/ca-bundle.crt',
  },
];

/** @returns undefined on a system that has neither tool */
export function systemTrust(): SystemTrust | undefined {
  return KINDS.find(({ anchor, refresh: [tool = ''] }) => existsSync(dirname(anchor)) && isOnPath(tool));
}

/** @param command `refresh` or `forget` of a system. @returns why it did not work */
export function tellSystem([tool = '', ...args]: readonly string[]): string | undefined {
  const { ok, said } = runTool(tool, args);
  return ok ? undefined : said;
}

/** The kind of system whose anchor this is. */
export function systemTrustOf(anchor: string): SystemTrust | undefined {
  return KINDS.find((kind) => kind.anchor === anchor);
}
