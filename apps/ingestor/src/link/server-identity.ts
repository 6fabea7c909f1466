import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RaypherError } from '@raypher/shared';

/** File names in RAYPHER_PKI_DIR that the api role writes; see keys/pki-directory.ts. */
const FILES = { chain: 'server.crt', key: 'server.key', root: 'root.crt' } as const;

export interface ServerFiles {
  /** PEM: leaf, then root. */
  cert: string;
  key: string;
  /** PEM of the root that device certificates lead to. */
  ca: string;
}

/**
 * Reads what the api role prepared for us.
 *
 * @throws RaypherError `service/not-running` while the files are missing or in the middle of a renewal.
 */
export async function readServerIdentity(directory: string): Promise<ServerFiles> {
  try {
    const [cert, key, ca] = await Promise.all(
      [FILES.chain, FILES.key, FILES.root].map((name) => readFile(join(directory, name), 'utf8')),
    );
    if (cert === undefined || key === undefined || ca === undefined) throw new Error('a file is missing');
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new Error('certificate and key do not belong together');
    }
    return { cert, key, ca };
  } catch (cause) {
    throw new RaypherError('service/not-running', `There is no server certificate in ${directory} yet.`, {
      hint: 'Start the api role first: it makes the certificates of both.',
      cause,
    });
  }
}
