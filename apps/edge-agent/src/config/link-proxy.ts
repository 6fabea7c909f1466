import type { Config } from './config.ts';

/** The HTTP proxy that the control plane is reached through; undefined: directly. */
export function linkProxy({ linkProxy: address }: Pick<Config, 'linkProxy'>): URL | undefined {
  return address === undefined ? undefined : new URL(address);
}
