import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { InterceptionOptions } from '../interception/interception.ts';
import { LocalProxy, type LocalProxyParts } from '../proxy/local-proxy.ts';
import type { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import type { Tunnel } from '../proxy/proxied-tunnel.ts';
import { probeInterception } from './interception-canary.ts';
import type { OpenedInterception } from './open-interception.ts';
import type { Finding } from './posture-board.ts';
import { probeProxy } from './proxy-canary.ts';
import type { Part } from './supervisor.ts';

type ProxyConfig = Pick<
  Config,
  | 'proxyPort'
  | 'proxyBodyLimitBytes'
  | 'proxyConnectTo'
  | 'proxyCallers'
  | 'interceptionMode'
  | 'interceptionPassThrough'
  | 'proxyDnsServers'
>;

interface ProxyPartOptions {
  config: ProxyConfig;
  policy: PolicyEnforcer;
  parts: Omit<LocalProxyParts, 'policy' | 'callers' | 'failed' | 'interception'>;
  interception: OpenedInterception;
  log: Logger;
  /** It listens. */
  started: () => void;
}

/** The proxy as a part of the service: what may change while it runs outlives each single one. */
export class ProxyPart implements Part {
  readonly name = 'proxy';
  readonly #options: ProxyPartOptions;
  #config: ProxyConfig;
  #proxy: LocalProxy | undefined;

  constructor(options: ProxyPartOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  /** 0 while it is not running. */
  get port(): number {
    return this.#proxy?.port ?? 0;
  }

  get connections(): number {
    return this.#proxy?.connections ?? 0;
  }

  /** Whether tunnels are read. */
  get intercepts(): boolean {
    return this.#config.interceptionMode === 'on' && !('fault' in this.#options.interception);
  }

  async start(): Promise<() => Promise<void>> {
    const { config, policy, parts, log, started } = this.#options;
    const proxy = new LocalProxy(
      {
        port: config.proxyPort,
        bodyLimitBytes: config.proxyBodyLimitBytes,
        connectTo: this.#config.proxyConnectTo,
        dnsServers: config.proxyDnsServers,
      },
      {
        ...parts,
        policy,
        callers: () => this.#config.proxyCallers,
        interception: this.#interception(),
        failed: (error) => log.error({ error: String(error) }, 'a request could not be decided'),
      },
    );
    await proxy.start();
    this.#proxy = proxy;
    log.info({ port: proxy.port }, 'proxy listens on 127.0.0.1');
    started();
    return async () => {
      this.#proxy = undefined;
      await proxy.stop();
    };
  }

  #interception(): InterceptionOptions | undefined {
    const { interception, policy } = this.#options;
    if ('fault' in interception) return undefined;
    const { authority, programOf } = interception;
    return {
      issue: (host) => authority.issue(host),
      isOn: () => this.#config.interceptionMode === 'on',
      passThrough: () => this.#config.interceptionPassThrough,
      mode: () => policy.mode,
      programOf,
    };
  }

  /** Takes a connection that the kernel led here. */
  take(tunnel: Tunnel): void {
    if (this.#proxy === undefined) tunnel.client.destroy();
    else this.#proxy.take(tunnel);
  }

  /** Takes over mapped addresses, who may call and what is intercepted. */
  reload(config: ProxyConfig): void {
    this.#config = config;
    this.#proxy?.redirect(config.proxyConnectTo);
  }

  /** Asks it for something forbidden. */
  async posture(): Promise<Finding> {
    if (this.#proxy === undefined) return { state: 'unavailable', reason: 'the proxy is not running' };
    const fault = await probeProxy(this.#proxy.port, this.#proxy.canaryPath);
    if (fault !== undefined) return { state: 'unavailable', reason: fault };
    return this.#options.policy.mode === 'enforce'
      ? { state: 'enforced', reason: 'a forbidden request was refused by the running proxy' }
      : {
          state: 'observing',
          reason: 'refusing works, but the policy in force only records',
          byPolicy: true,
        };
  }

  /** Asks it for something forbidden inside a tunnel. */
  async interceptionPosture(): Promise<Finding> {
    const { interception, policy } = this.#options;
    if ('fault' in interception) {
      const { fault } = interception;
      const reason = fault?.message ?? 'this machine is no member: there is no vault for the key of a root';
      return { state: 'unavailable', reason };
    }
    if (this.#config.interceptionMode === 'off') {
      return { state: 'unavailable', reason: 'the configuration says off: tunnels are judged by host only' };
    }
    if (this.#proxy === undefined) return { state: 'unavailable', reason: 'the proxy is not running' };
    const { port, canaryPath } = this.#proxy;
    const fault = await probeInterception(port, canaryPath, interception.authority.certificate);
    if (fault !== undefined) return { state: 'unavailable', reason: fault };
    return policy.mode === 'enforce'
      ? { state: 'enforced', reason: 'a forbidden request inside TLS was read and refused' }
      : { state: 'observing', reason: 'TLS is read, but the policy in force only records', byPolicy: true };
  }
}
