import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type Socket, connect as tcpConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { PolicySnapshot } from '@raypher/policy';
import { type FakeUpstream, startFakeUpstream } from '@raypher/testkit';
import { ProxyAgent } from 'undici';
import type { Spending } from '../budgets/spending.ts';
import { CertificateAuthority } from '../interception/certificate-authority.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { LocalProxy } from '../proxy/local-proxy.ts';
import type { PolicyInForce } from '../proxy/proxy-context.ts';
import type { Vault } from '../vault/vault.ts';
import { engines, inForce, snapshotOf } from './policy-in-force.ts';
import { BOT } from './test-proxy.ts';

const HOSTS = [
  'api.openai.com',
  'api.anthropic.com',
  'generativelanguage.googleapis.com',
  'ollama.com',
  '127.0.0.1:11434',
  'api.deepseek.com',
  'site.example',
  '192.0.2.7',
];

/** A real proxy that reads tunnels, in front of a faithful upstream; only who calls is given instead of found. */
export class TestInterception {
  readonly authority: CertificateAuthority;
  readonly upstream: FakeUpstream;
  readonly proxy: LocalProxy;
  /** Holds `root.pem`. */
  readonly folder: string;
  readonly engines = engines();
  readonly events: EventDraft[] = [];
  isOn = true;
  passThrough: readonly string[] = [];
  /** Another one in each test: what was learnt about one must not help the next. */
  program = randomBytes(32).toString('hex');
  #snapshot: PolicySnapshot = policy('rules: []', 'enforce');
  #waiting = new Set<() => void>();

  private constructor(
    authority: CertificateAuthority,
    upstream: FakeUpstream,
    connectTo: Readonly<Record<string, string>>,
    spending: Spending | undefined,
    keys: Vault | undefined,
  ) {
    this.authority = authority;
    this.upstream = upstream;
    this.folder = mkdtempSync(join(tmpdir(), 'raypher-intercept-'));
    writeFileSync(join(this.folder, 'root.pem'), authority.certificate);
    this.proxy = new LocalProxy(
      { port: 0, bodyLimitBytes: 1024 * 1024, connectTo },
      {
        policy: inForce(() => this.#snapshot),
        spending,
        ...this.engines,
        identify: async () => BOT,
        ...(keys === undefined ? {} : { keys, authorise: async () => ({ allowed: true, entry: 'bot' }) }),
        record: (event) => {
          this.events.push(event);
          for (const look of this.#waiting) look();
        },
        modelSeen: () => {},
        failed: (error) => {
          throw error;
        },
        interception: {
          issue: (host) => authority.issue(host),
          isOn: () => this.isOn,
          passThrough: () => this.passThrough,
          mode: () => this.#snapshot.strictestMode,
          programOf: async () => this.program,
        },
      },
    );
  }

  /**
   * @param connectTo more hosts than those that lead to the faithful upstream
   * @param spending without it nothing is counted
   * @param keys that every program may use here
   */
  static async start(
    connectTo: Readonly<Record<string, string>> = {},
    spending?: Spending,
    keys?: Vault,
  ): Promise<TestInterception> {
    const root = await CertificateAuthority.createRoot('test');
    const upstream = await startFakeUpstream();
    const mapped = { ...Object.fromEntries(HOSTS.map((host) => [host, upstream.url])), ...connectTo };
    const authority = await CertificateAuthority.open(root);
    const world = new TestInterception(authority, upstream, mapped, spending, keys);
    await world.proxy.start();
    return world;
  }

  /** As after the start: nothing recorded, everything allowed. */
  reset(): void {
    this.#snapshot = policy('rules: []', 'enforce');
    this.isOn = true;
    this.passThrough = [];
    this.program = randomBytes(32).toString('hex');
    this.events.length = 0;
    this.upstream.reset();
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    await this.upstream.stop();
  }

  /** @param network what follows `default: allow` in the policy's network section */
  enforce(network: string, mode: 'enforce' | 'monitor' = 'enforce'): void {
    this.#snapshot = policy(network, mode);
  }

  /** @param sections of the whole document */
  govern(sections: string, mode: 'enforce' | 'monitor' = 'enforce'): void {
    this.#snapshot = snapshotOf(sections, mode);
  }

  get policy(): PolicyInForce {
    return inForce(() => this.#snapshot);
  }

  get mode(): 'enforce' | 'monitor' {
    return this.#snapshot.strictestMode;
  }

  get url(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }

  get rootFile(): string {
    return join(this.folder, 'root.pem');
  }

  /** The first event of a type since the last reset, about a host when one is named. */
  async recorded(type: EventDraft['type'], host?: string): Promise<EventDraft> {
    const { promise, resolve } = Promise.withResolvers<EventDraft>();
    const look = (): void => {
      const found = this.events.find(
        (event) => event.type === type && (host === undefined || event.data.host === host),
      );
      if (found !== undefined) resolve(found);
    };
    this.#waiting.add(look);
    look();
    return promise.finally(() => this.#waiting.delete(look));
  }

  /** For undici and what is built on it: goes through CONNECT and trusts this machine's root. */
  dispatcher(): ProxyAgent {
    return new ProxyAgent({ uri: this.url, requestTls: { ca: this.authority.certificate } });
  }

  /** Opens a tunnel. @returns the status of the answer and the socket behind it */
  async open(target: string): Promise<{ status: string; socket: Socket }> {
    const socket = tcpConnect(this.proxy.port, '127.0.0.1');
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    return { status: String(answer).split(' ')[1] ?? '', socket };
  }

  /** A TLS connection through a tunnel, as a client that trusts this machine's root makes it. */
  async secure(target: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const { socket } = await this.open(target);
    const host = target.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
    const secure = tlsConnect({ socket, host, ca: this.authority.certificate, ...options });
    await once(secure, 'secureConnect');
    return secure;
  }

  /** One request over a TLS connection of its own; everything that comes back. */
  async request(secure: Socket, head: string): Promise<string> {
    secure.write(`${head}\r\nConnection: close\r\n\r\n`);
    let answer = '';
    for await (const chunk of secure) answer += chunk;
    return answer;
  }
}

function policy(network: string, mode: 'enforce' | 'monitor'): PolicySnapshot {
  return snapshotOf(`network:\n  default: allow\n  ${network}`, mode);
}
