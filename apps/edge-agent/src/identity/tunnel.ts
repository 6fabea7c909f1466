import type { Socket } from 'node:net';
import { tunnelThrough } from '@raypher/link-client';
import { RaypherError } from '@raypher/shared';

/**
 * A way to a server of the control plane through an HTTP proxy, for TLS of our own.
 *
 * @throws RaypherError `link/unreachable`
 */
export async function openTunnel(proxy: URL, server: URL, limit: AbortSignal): Promise<Socket> {
  const host = server.hostname.replace(/^\[|\]$/g, '');
  try {
    return await tunnelThrough(proxy, { host, port: Number(server.port || 443) }, limit);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RaypherError('link/unreachable', `${server.origin} cannot be reached: ${why}.`, {
      hint: 'Check link.proxy in the configuration, and that the proxy lets this machine reach the control plane.',
      cause,
    });
  }
}
