import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { normaliseHost, type Verdict, withoutAnswer } from '@raypher/policy';
import { callerMessage, callerRefusal, callerRefused } from './allowed-callers.ts';
import { serverName, UNREADABLE } from './client-hello.ts';
import { tunnelAuthority } from './destination.ts';
import { denialMessage, networkEvent } from './network-event.ts';
import { providerByHost } from './providers.ts';
import { leadsBack, type ProxyContext } from './proxy-context.ts';
import { type RefusalKind, tunnelRefusal } from './refusal.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** A hello comes in one or two; each is looked at with all before it. */
const MAX_PIECES = 1000;

/**
 * Answers CONNECT: rules for the name that is asked for, then bytes in both directions that nobody reads,
 * except the server name at the start of a TLS handshake, for which the rules apply too.
 */
export async function tunnel(
  request: IncomingMessage,
  client: Socket,
  head: Buffer,
  context: ProxyContext,
): Promise<void> {
  const startedAt = performance.now();
  // Until both ends are joined, an error only means that the client has gone.
  client.on('error', () => client.destroy());
  const target = tunnelAuthority(request.url ?? '');
  if (target === undefined) {
    end(client, 'bad-request', 'CONNECT needs a host and a port.');
    return;
  }
  const { host, port } = target;
  if (leadsBack(context, host, port) || context.upstreams.isOther(client)) {
    end(client, 'bad-request', 'This address leads back into the proxy.');
    return;
  }
  const caller = await context.identify(client);
  const decide = (name: string): Verdict => {
    const provider = providerByHost(name)?.id;
    return context.policy.decide({
      action: 'network.connect',
      host: name,
      port,
      provider,
      // A tunnel to a model provider does use a model; which one cannot be seen.
      model: provider === undefined ? undefined : null,
      method: 'CONNECT',
      agent: caller.agent,
    });
  };
  let verdict = decide(host);
  let name = host;
  let status = 200;
  let upstream: Socket | undefined;
  const finish = (): void => {
    context.record(
      networkEvent({
        type: 'network.tunnel',
        host: name,
        port,
        method: 'CONNECT',
        path: '',
        provider: providerByHost(name)?.id,
        model: undefined,
        caller,
        verdict,
        denied: withoutAnswer(verdict.effective) === 'DENY',
        status,
        bytesSent: upstream?.bytesWritten ?? 0,
        bytesReceived: upstream?.bytesRead ?? 0,
        durationMs: performance.now() - startedAt,
        streamed: false,
        inspected: false,
      }),
    );
  };
  if (withoutAnswer(verdict.effective) === 'DENY') {
    status = end(client, 'denied', denialMessage(verdict));
    finish();
    return;
  }
  const refused = await callerRefusal(context, caller);
  if (refused !== undefined) {
    end(client, 'not-allowed', callerMessage(refused));
    context.record(callerRefused(refused, caller, { host, port, method: 'CONNECT' }, verdict));
    return;
  }
  try {
    upstream = await dial(context.upstreams.address(host, port));
    context.upstreams.track(upstream);
  } catch {
    status = end(client, 'unreachable', `${host}:${port} cannot be reached.`);
    finish();
    return;
  }
  client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  const check = (announced: string): boolean => {
    const normalised = normaliseHost(announced);
    if (normalised === host) return true;
    // A name that is no host name matches no rule; it is judged as it stands.
    name = normalised ?? announced;
    verdict = decide(name);
    if (withoutAnswer(verdict.effective) !== 'DENY') return true;
    status = 403;
    return false;
  };
  await join(client, upstream, head, check);
  finish();
}

function end(client: Socket, kind: RefusalKind, message: string): number {
  client.end(tunnelRefusal(kind, message));
  return kind === 'denied' || kind === 'not-allowed' ? 403 : kind === 'bad-request' ? 400 : 502;
}

function dial(address: { host: string; port: number }): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ ...address, allowHalfOpen: true });
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
  socket.once('connect', () => {
    socket.setTimeout(0);
    socket.off('error', reject);
    resolve(socket);
  });
  socket.once('error', reject);
  return promise;
}

/** Joins both ends until either is gone. The client's first bytes wait for `check`. */
async function join(
  client: Socket,
  upstream: Socket,
  head: Buffer,
  check: (announced: string) => boolean,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const close = (): void => {
    client.destroy();
    upstream.destroy();
    resolve();
  };
  for (const end of [client, upstream]) {
    end.setNoDelay(true);
    end.on('error', close);
    end.on('close', close);
  }
  upstream.pipe(client);

  let first = head;
  let pieces = 0;
  const look = (): void => {
    const found = first.length === 0 ? 'incomplete' : serverName(first);
    if (found === 'incomplete' && pieces < MAX_PIECES) return;
    const announced = found === 'incomplete' ? UNREADABLE : found;
    client.off('data', more);
    client.off('end', early);
    if (announced !== undefined && !check(announced)) {
      close();
      return;
    }
    upstream.write(first);
    client.pipe(upstream);
  };
  const more = (chunk: Buffer): void => {
    pieces += 1;
    first = Buffer.concat([first, chunk]);
    look();
  };
  const early = (): void => {
    upstream.end(first);
  };
  client.on('data', more);
  client.once('end', early);
  look();
  await promise;
}
