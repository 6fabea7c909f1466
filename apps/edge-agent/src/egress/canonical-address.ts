import { isIP } from 'node:net';
import { normaliseHost } from '@raypher/policy/host';

/**
 * The one spelling of an address, without brackets: the one that is decided about is the one that is connected to.
 *
 * @returns `undefined` for names, and for addresses of one link (`fe80::1%eth0`), which no rule can name
 */
export function canonicalAddress(written: string): string | undefined {
  const address = normaliseHost(written)?.replace(/^\[|\]$/g, '');
  return address !== undefined && isIP(address) !== 0 ? address : undefined;
}
