import { setTimeout as delay } from 'node:timers/promises';
import { normaliseHost } from '@raypher/policy';
import type { Interception } from '../interception/interception.ts';
import { type FirstBytes, firstBytes } from './first-bytes.ts';
import type { Tunnel, UninspectedReason } from './proxied-tunnel.ts';
import { leadsBack, type ProxyContext } from './proxy-context.ts';
import { UninspectedTunnel } from './uninspected-tunnel.ts';

/** Longest wait for the name of a connection that nobody reads, before its address decides, milliseconds. */
const CLIENT_SPEAKS_WITHIN_MS = 400;

/**
 * Deals with a connection that the kernel led here, as with a tunnel. Its client waits for no answer before it speaks,
 * and would not understand one: what is refused without having been read is closed.
 */
export async function takeRedirected(
  tunnel: Tunnel,
  context: ProxyContext,
  interception: Interception | undefined,
): Promise<void> {
  const { client } = tunnel;
  client.on('error', () => client.destroy());
  if (leadsBack(context, tunnel.host, tunnel.port)) {
    client.destroy();
    return;
  }
  const because: UninspectedReason | undefined =
    interception === undefined ? 'interception-off' : await interception.whyNot(tunnel);
  if (interception !== undefined && because === undefined) {
    await interception.intercept(tunnel, Buffer.alloc(0));
    return;
  }
  const pending = firstBytes(client, Buffer.alloc(0));
  const first = await Promise.race([pending, delay(CLIENT_SPEAKS_WITHIN_MS, undefined, { ref: false })]);
  const addressed = { ...tunnel, host: nameIn(first) ?? tunnel.host };
  const uninspected = new UninspectedTunnel(addressed, context, because ?? 'interception-off');
  if (await uninspected.open(() => client.destroy())) await uninspected.join(Buffer.alloc(0), pending);
}

/** The name that the client believes to talk to; an address cannot be told from the rules for names. */
function nameIn(first: FirstBytes | undefined): string | undefined {
  if (first?.kind !== 'tls' || first.hello.serverName === undefined) return undefined;
  return normaliseHost(first.hello.serverName)?.replace(/^\[|\]$/g, '');
}
