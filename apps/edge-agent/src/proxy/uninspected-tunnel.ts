import { connect, type Socket } from 'node:net';
import { normaliseHost, type Verdict, withoutAnswer } from '@raypher/policy';
import { callerMessage, callerRefusal, callerRefused } from './allowed-callers.ts';
import { UNREADABLE } from './client-hello.ts';
import { type FirstBytes, firstBytes } from './first-bytes.ts';
import { denialMessage, networkEvent } from './network-event.ts';
import { providerByHost } from './providers.ts';
import type { Tunnel, UninspectedReason } from './proxied-tunnel.ts';
import type { ProxyContext } from './proxy-context.ts';
import { type RefusalKind, tunnelRefusal } from './refusal.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A tunnel that nobody reads: rules for the name that was asked for, then bytes in both directions, except the server
 * name at the start of a TLS handshake, for which the rules apply too. Leaves one event.
 */
export class UninspectedTunnel {
  readonly #tunnel: Tunnel;
  readonly #context: ProxyContext;
  readonly #startedAt = performance.now();
  readonly #because: UninspectedReason;
  #verdict: Verdict;
  /** As the rules see it: what was asked for, then what the handshake says. */
  #name: string;
  #upstream: Socket | undefined;
  #status = 200;

  constructor(tunnel: Tunnel, context: ProxyContext, because: UninspectedReason) {
    this.#tunnel = tunnel;
    this.#context = context;
    this.#because = because;
    this.#name = tunnel.host;
    this.#verdict = this.#decide(tunnel.host);
  }

  /** Whether the server has said something. */
  get serverSpoke(): boolean {
    return (this.#upstream?.bytesRead ?? 0) > 0;
  }

  /**
   * Decides and connects.
   *
   * @param refuse tells the client why not
   * @returns false when it may not, or cannot; that is recorded
   */
  async open(refuse: (kind: RefusalKind, message: string) => void): Promise<boolean> {
    const { host, port, caller } = this.#tunnel;
    if (withoutAnswer(this.#verdict.effective) === 'DENY') {
      this.#status = 403;
      refuse('denied', denialMessage(this.#verdict));
      this.#record();
      return false;
    }
    const refused = await callerRefusal(this.#context, caller);
    if (refused !== undefined) {
      refuse('not-allowed', callerMessage(refused));
      this.#context.record(callerRefused(refused, caller, { host, port, method: 'CONNECT' }, this.#verdict));
      return false;
    }
    try {
      this.#upstream = await dial(this.#context.upstreams.address(host, port));
      this.#context.upstreams.track(this.#upstream);
      return true;
    } catch {
      this.#status = 502;
      refuse('unreachable', `${host}:${port} cannot be reached.`);
      this.#record();
      return false;
    }
  }

  /** Takes an opened one back before anything went through it; it leaves no event. */
  abandon(): void {
    this.#upstream?.destroy();
  }

  /** Resolves when the server speaks or is gone. */
  serverSpeaks(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const upstream = this.#upstream;
    if (upstream === undefined) return Promise.resolve();
    upstream.once('readable', resolve);
    upstream.once('close', resolve);
    return promise.finally(() => {
      upstream.off('readable', resolve);
      upstream.off('close', resolve);
    });
  }

  /**
   * Joins both ends until either is gone. The client's first bytes wait until their server name was judged.
   *
   * @param first what they are, when somebody looked already
   */
  async join(head: Buffer, first?: Promise<FirstBytes>): Promise<void> {
    const { client } = this.#tunnel;
    const upstream = this.#upstream;
    if (upstream === undefined) return;
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
    const found = await (first ?? firstBytes(client, head));
    if (client.destroyed || upstream.destroyed) close();
    else if (found.kind === 'ended') upstream.end(found.bytes);
    else if (this.#permits(found)) client.pipe(upstream);
    else close();
    await promise;
    this.#record();
  }

  #permits(first: FirstBytes): boolean {
    if (first.kind === 'tls' && first.hello.serverName === undefined) return true;
    if (first.kind !== 'tls' && first.kind !== 'unreadable') {
      return true;
    }
    const announced = first.kind === 'tls' ? (first.hello.serverName ?? '') : UNREADABLE;
    const normalised = normaliseHost(announced);
    if (normalised === this.#tunnel.host) return true;
    // A name that is no host name matches no rule; it is judged as it stands.
    this.#name = normalised ?? announced;
    this.#verdict = this.#decide(this.#name);
    if (withoutAnswer(this.#verdict.effective) !== 'DENY') return true;
    this.#status = 403;
    return false;
  }

  #decide(name: string): Verdict {
    const provider = providerByHost(name)?.id;
    return this.#context.policy.decide({
      action: 'network.connect',
      host: name,
      port: this.#tunnel.port,
      provider,
      // A tunnel to a model provider does use a model; which one cannot be seen.
      model: provider === undefined ? undefined : null,
      method: 'CONNECT',
      agent: this.#tunnel.caller.agent,
    });
  }

  #record(): void {
    const { port, caller } = this.#tunnel;
    this.#context.record(
      networkEvent({
        type: 'network.tunnel',
        host: this.#name,
        port,
        method: 'CONNECT',
        path: '',
        provider: providerByHost(this.#name)?.id,
        model: undefined,
        caller,
        verdict: this.#verdict,
        denied: withoutAnswer(this.#verdict.effective) === 'DENY',
        status: this.#status,
        bytesSent: this.#upstream?.bytesWritten ?? 0,
        bytesReceived: this.#upstream?.bytesRead ?? 0,
        durationMs: performance.now() - this.#startedAt,
        streamed: false,
        inspected: false,
        uninspectedBecause: this.#because,
      }),
    );
  }
}

/** Tells the client of a CONNECT that is not answered yet. */
export function refuseTunnel(client: Socket): (kind: RefusalKind, message: string) => void {
  return (kind, message) => client.end(tunnelRefusal(kind, message));
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
