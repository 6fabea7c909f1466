import type { IncomingMessage } from 'node:http';
import { normaliseHost } from '@raypher/policy';
import { remembered } from './remembered.ts';

const THIS_MACHINE = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Whether a request to the proxy's own address was made by a web page that is not of this machine.
 *
 * Any page may send requests to 127.0.0.1, and one whose name was pointed there (DNS rebinding) may read the
 * answers too. It would use private gateways and local models, and make the browser look like an AI agent.
 * Programs send neither header; a browser does not let a page change them.
 */
export function isFromForeignPage({ headers }: IncomingMessage): boolean {
  const { host, origin } = headers;
  if (host === undefined || !isThisMachine(`http://${host}`)) return true;
  if (origin === undefined) return headers['sec-fetch-site'] === 'cross-site';
  // Other schemes are those of extensions and desktop programs, which no page can claim.
  return origin === 'null' || (/^https?:/i.test(origin) && !isThisMachine(origin));
}

/** Nearly all clients write the same. */
const isThisMachine = remembered(64, (url) => {
  const host = URL.parse(url)?.hostname;
  return host !== undefined && THIS_MACHINE.test(normaliseHost(host) ?? '');
});
