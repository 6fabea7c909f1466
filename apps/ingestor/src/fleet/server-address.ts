import { isIPv6 } from 'node:net';
import type { ApiConfig } from '../config/config.ts';

const LOCAL_NAMES = new Set(['localhost', '127.0.0.1', '::1']);

/** The address devices enrol at: the first name that was configured, else this machine's own. */
export function serverAddress({
  publicHosts,
  listenHost,
  tlsPort,
}: Pick<ApiConfig, 'publicHosts' | 'listenHost' | 'tlsPort'>): string {
  const host = publicHosts.find((name) => !LOCAL_NAMES.has(name)) ?? 'localhost';
  const isReachable = listenHost !== '127.0.0.1' && listenHost !== 'localhost';
  const named = isIPv6(host) ? `[${host}]` : host;
  return `https://${isReachable ? named : '127.0.0.1'}:${tlsPort}`;
}
