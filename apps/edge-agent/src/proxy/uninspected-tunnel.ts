import type { Socket } from 'node:net';
import { normaliseHost, type Verdict, withoutAnswer } from '@raypher/policy';
import type { OpenConnection } from '../connections/live-connections.ts';
import { ruleOf } from '../connections/rule-of.ts';
import type { AddressFacts } from '../egress/reach.ts';
import { strictest } from '../egress/severity.ts';
import { callerMessage, callerRefusal, callerRefused } from './allowed-callers.ts';
import { UNREADABLE } from './client-hello.ts';
import { type FirstBytes, firstBytes } from './first-bytes.ts';
import { denialMessage, networkEvent } from './network-event.ts';
import { providerByHost } from './providers.ts';
import type { Tunnel, UninspectedReason } from './proxied-tunnel.ts';
import type { ProxyContext } from './proxy-context.ts';
import { type RefusalKind, tunnelRefusal } from './refusal.ts';

/**
 * A tunnel that nobody reads: rules for the name that was asked for, then bytes in both directions, except the server
 * name at the start of a TLS handshake, for which the rules apply too. Leaves one event.
 */
export class UninspectedTunnel {
  readonly #tunnel: Tunnel;
  readonly #context: ProxyContext;
  readonly #startedAt = performance.now();
  readonly #because: UninspectedReason;
  #decision: { readonly verdict: Verdict; readonly address: AddressFacts };
  /** As the rules see it: what was asked for, then what the handshake says. */
  #name: string;
  /** What is known of the addresses that it may lead to. */
  #addresses: readonly AddressFacts[] = [{}];
  #upstream: Socket | undefined;
  #status = 200;

  constructor(tunnel: Tunnel, context: ProxyContext, because: UninspectedReason) {
    this.#tunnel = tunnel;
    this.#context = context;
    this.#because = because;
    this.#name = tunnel.host;
    this.#decision = this.#decide(tunnel.host, {});
  }

  /** Whether the server has said something. */
  get serverSpoke(): boolean {
    return (this.#upstream?.bytesRead ?? 0) > 0;
  }

  /**
   * Decides and connects.
   *
   * @param refuse tells the client why not; without it, nobody is told, and nothing recorded
   * @returns false when it may not, or cannot
   */
  async open(refuse?: Refuse): Promise<boolean> {
    const { host, port, caller } = this.#tunnel;
    const { upstreams } = this.#context;
    const reach = await upstreams.reach(this.#tunnel, (address) => this.#decide(host, address));
    this.#decision = reach.decision;
    if (withoutAnswer(this.#decision.verdict.effective) === 'DENY') {
      return this.#closed(403, 'denied', denialMessage(this.#decision.verdict), refuse);
    }
    const refused = await callerRefusal(this.#context, caller);
    if (refused !== undefined) {
      if (refuse === undefined) return false;
      refuse('not-allowed', callerMessage(refused));
      this.#context.record(
        callerRefused(refused, caller, { host, port, method: 'CONNECT' }, this.#decision.verdict),
      );
      return false;
    }
    if (reach.kind !== 'open') return this.#closed(502, 'unreachable', `${host} cannot be resolved.`, refuse);
    this.#addresses = reach.route.facts;
    try {
      this.#upstream = await upstreams.dial(reach.route);
      return true;
    } catch {
      return this.#closed(502, 'unreachable', `${host}:${port} cannot be reached.`, refuse);
    }
  }

  #closed(status: number, kind: RefusalKind, message: string, refuse: Refuse | undefined): false {
    if (refuse === undefined) return false;
    this.#status = status;
    refuse(kind, message);
    this.#record();
    return false;
  }

  /** Takes an opened one back before anything went through it; it leaves no event. */
  abandon(): void {
    this.#upstream?.destroy();
  }

  /** Resolves when the server speaks or is gone. */
  serverSpeaks(): Promise<void> {
    const upstream = this.#upstream;
    if (upstream === undefined || upstream.destroyed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    // `close` says something with it, which is no answer here.
    const told = (): void => resolve();
    upstream.once('readable', told);
    upstream.once('close', told);
    return promise.finally(() => {
      upstream.off('readable', told);
      upstream.off('close', told);
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
    // One that has closed already does not say so again.
    if (client.destroyed || upstream.destroyed) close();
    const live = this.#show(upstream);
    live.cut.addEventListener('abort', close, { once: true });
    upstream.pipe(client);
    const found = await (first ?? firstBytes(client, head));
    if (client.destroyed || upstream.destroyed) close();
    else if (found.kind === 'ended') upstream.end(found.bytes);
    else if (this.#permits(found)) client.pipe(upstream);
    else close();
    await promise;
    live.close();
    this.#record(live.cut.aborted ? 'person' : undefined);
  }

  /** In the live view, under the name that was asked for. */
  #show(upstream: Socket): OpenConnection {
    const { host, port, caller } = this.#tunnel;
    const connection = this.#context.connections.open({
      kind: 'tunnel',
      process: caller.process,
      agent: caller.agent ?? undefined,
      host,
      port,
      method: 'CONNECT',
      path: '',
      provider: providerByHost(host, port)?.id,
      model: undefined,
      ...ruleOf(this.#decision.verdict),
    });
    connection.measure(() => ({ bytesSent: upstream.bytesWritten, bytesReceived: upstream.bytesRead }));
    return connection;
  }

  #permits(first: FirstBytes): boolean {
    if (first.kind === 'tls' && first.hello.serverName === undefined) return true;
    if (first.kind !== 'tls' && first.kind !== 'unreadable') return true;
    const announced = first.kind === 'tls' ? (first.hello.serverName ?? '') : UNREADABLE;
    const normalised = normaliseHost(announced);
    if (normalised === this.#tunnel.host) return true;
    // A name that is no host name matches no rule; it is judged as it stands.
    this.#name = normalised ?? announced;
    // Another name for where the connection leads already.
    this.#decision = strictest(this.#addresses.map((address) => this.#decide(this.#name, address)));
    if (withoutAnswer(this.#decision.verdict.effective) !== 'DENY') return true;
    this.#status = 403;
    return false;
  }

  #decide(name: string, address: AddressFacts): { verdict: Verdict; address: AddressFacts } {
    const { port, caller } = this.#tunnel;
    const provider = providerByHost(name, port)?.id;
    const verdict = this.#context.policy.decide({
      action: 'network.connect',
      host: name,
      port,
      ...address,
      provider,
      // A tunnel to a model provider does use a model; which one cannot be seen.
      model: provider === undefined ? undefined : null,
      method: 'CONNECT',
      agent: caller.agent,
    });
    return { verdict, address };
  }

  #record(brokenOff?: 'person'): void {
    const { port, caller } = this.#tunnel;
    this.#context.record(
      networkEvent({
        type: 'network.tunnel',
        host: this.#name,
        port,
        method: 'CONNECT',
        path: '',
        provider: providerByHost(this.#name, port)?.id,
        model: undefined,
        caller,
        ...this.#decision,
        denied: withoutAnswer(this.#decision.verdict.effective) === 'DENY',
        status: this.#status,
        bytesSent: this.#upstream?.bytesWritten ?? 0,
        bytesReceived: this.#upstream?.bytesRead ?? 0,
        durationMs: performance.now() - this.#startedAt,
        streamed: false,
        inspected: false,
        uninspectedBecause: this.#because,
        ...(brokenOff === undefined ? {} : { brokenOff }),
      }),
    );
  }
}

type Refuse = (kind: RefusalKind, message: string) => void;

/** Tells the client of a CONNECT that is not answered yet. */
export function refuseTunnel(client: Socket): Refuse {
  return (kind, message) => {
    client.end(tunnelRefusal(kind, message));
    // Behind bytes that nobody reads its end would not be seen, and the connection never be closed.
    client.resume();
  };
}
