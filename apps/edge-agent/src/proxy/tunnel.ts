import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Interception } from '../interception/interception.ts';
import { tunnelAuthority } from './destination.ts';
import type { UninspectedReason } from './proxied-tunnel.ts';
import { leadsBack, type ProxyContext } from './proxy-context.ts';
import { refuseTunnel, UninspectedTunnel } from './uninspected-tunnel.ts';

export const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

/** Answers CONNECT: what comes through is read where it can be, else only relayed. */
export async function tunnel(
  request: IncomingMessage,
  client: Socket,
  head: Buffer,
  context: ProxyContext,
  interception: Interception | undefined,
): Promise<void> {
  const refuse = refuseTunnel(client);
  const target = tunnelAuthority(request.url ?? '');
  if (target === undefined) {
    refuse('bad-request', 'CONNECT needs a host and a port.');
    return;
  }
  const { host, port } = target;
  if (leadsBack(context, host, port) || context.upstreams.isOther(client)) {
    refuse('bad-request', 'This address leads back into the proxy.');
    return;
  }
  const caller = await context.identify(client);
  const asked = { host, port, caller, client };
  const because: UninspectedReason | undefined =
    interception === undefined ? 'interception-off' : await interception.whyNot(asked);
  if (interception !== undefined && because === undefined) {
    client.write(ESTABLISHED);
    await interception.intercept(asked, head);
    return;
  }
  const uninspected = new UninspectedTunnel(asked, context, because ?? 'interception-off');
  if (!(await uninspected.open(refuse))) return;
  client.write(ESTABLISHED);
  await uninspected.join(head);
}
