import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import type { PolicySnapshot } from '@raypher/policy';
import { type FakeUpstream, startFakeUpstream } from '@raypher/testkit';
import OpenAI from 'openai';
import type { Approvals } from '../approvals/approval.ts';
import type { Spending } from '../budgets/spending.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { Caller } from '../proxy/caller.ts';
import { LocalProxy, type LocalProxyParts } from '../proxy/local-proxy.ts';
import { engines, inForce, snapshotOf } from './policy-in-force.ts';

/** Who calls unless a test says otherwise. */
export const BOT = {
  process: { pid: 4321, startTime: 99 },
  agent: { id: 'ab'.repeat(32), name: 'bot', user: 'dev', libraries: ['openai'] },
};

const NOBODY: Approvals = {
  ask: async () => ({ outcome: 'DENY', how: 'unavailable', by: undefined, approval: '' }),
};

const HOSTS = [
  'api.openai.com',
  'api.anthropic.com',
  'generativelanguage.googleapis.com',
  '127.0.0.1:11434',
  'api.deepseek.com',
  'plain.example',
  'gateway.example',
];

/** A real proxy in front of a faithful upstream; only the caller is given instead of found. */
export class TestProxy {
  readonly upstream: FakeUpstream;
  readonly proxy: LocalProxy;
  readonly engines = engines();
  readonly events: EventDraft[] = [];
  readonly models: string[] = [];
  /** What failed of the proxy's own; a test that does not expect it fails. */
  readonly failures: unknown[] = [];
  mayFail = false;
  /** A promise: whoever calls waits until it is known who it is. */
  caller: Caller | Promise<Caller> = BOT;
  /** Without it nothing is counted. */
  spending: Spending | undefined;
  /** Nobody answers unless a test does. */
  approvals: Approvals = NOBODY;
  #snapshot: PolicySnapshot = policy('rules: []', 'enforce');
  #recorded = Promise.withResolvers<EventDraft>();

  private constructor(upstream: FakeUpstream, more: Pick<LocalProxyParts, 'names'>) {
    this.upstream = upstream;
    this.proxy = new LocalProxy(
      {
        port: 0,
        bodyLimitBytes: 1024 * 1024,
        connectTo: {
          ...Object.fromEntries(HOSTS.map((host) => [host, upstream.url])),
          'nobody.example': 'http://127.0.0.1:1',
        },
      },
      {
        policy: inForce(() => this.#snapshot),
        spending: this.#forwarded(),
        approvals: { ask: (question, gone) => this.approvals.ask(question, gone) },
        ...this.engines,
        ...more,
        identify: async () => this.caller,
        record: (event) => {
          this.events.push(event);
          this.#recorded.resolve(event);
        },
        modelSeen: (_process, model) => this.models.push(model),
        failed: (error) => {
          this.failures.push(error);
          if (!this.mayFail) throw error;
        },
      },
    );
  }

  static async start(more: Pick<LocalProxyParts, 'names'> = {}): Promise<TestProxy> {
    const started = new TestProxy(await startFakeUpstream(), more);
    await started.proxy.start();
    return started;
  }

  /** As after the start: nothing recorded, everything allowed. */
  reset(): void {
    this.#snapshot = policy('rules: []', 'enforce');
    this.#recorded = Promise.withResolvers();
    this.caller = BOT;
    this.spending = undefined;
    this.approvals = NOBODY;
    this.mayFail = false;
    this.failures.length = 0;
    this.events.length = 0;
    this.models.length = 0;
    this.upstream.reset();
  }

  /** The store that a test has set by then. */
  #forwarded(): Spending {
    return {
      prepare: async (limits, amount) => this.spending?.prepare(limits, amount),
      balancesOf: (limits) => this.spending?.balancesOf(limits) ?? {},
      hold: (limits, amount) =>
        this.spending?.hold(limits, amount) ?? { settle: () => undefined, release: () => undefined },
      resetsAt: (limit, amount) => this.spending?.resetsAt(limit, amount),
    };
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    await this.upstream.stop();
  }

  /** @param network what follows `default: allow` in the policy's network section */
  enforce(network: string, mode: 'enforce' | 'monitor' = 'enforce'): void {
    this.#snapshot = policy(network, mode);
  }

  /** @param sections of the whole document, beside a network section that allows everything */
  govern(sections: string, mode: 'enforce' | 'monitor' = 'enforce'): void {
    this.#snapshot = snapshotOf(`network: { default: allow }\n${sections}`, mode);
  }

  /** The first event since the last reset. */
  get recorded(): Promise<EventDraft> {
    return this.#recorded.promise;
  }

  get url(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }

  openai(): OpenAI {
    return new OpenAI({ baseURL: `${this.url}/v1`, apiKey: 'any-key', maxRetries: 0 });
  }

  anthropic(): Anthropic {
    return new Anthropic({ baseURL: this.url, apiKey: 'any-key', maxRetries: 0 });
  }

  /** A request with an absolute URL, as a client with a configured proxy sends it. */
  async absolute(
    url: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: string }> {
    const outgoing = request({ host: '127.0.0.1', port: this.proxy.port, path: url, headers, agent: false });
    outgoing.end();
    const [answer] = await once(outgoing, 'response');
    let body = '';
    for await (const chunk of answer) body += chunk;
    return { status: Number(answer.statusCode), body };
  }

  /** A model call to the proxy's own address, with exactly these headers. */
  async direct(path: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
    const { port } = this.proxy;
    const options = { host: '127.0.0.1', port, path, method: 'POST', headers, agent: false };
    const outgoing = request(options);
    outgoing.end(JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }] }));
    const [answer] = await once(outgoing, 'response');
    let body = '';
    for await (const chunk of answer) body += chunk;
    return { status: Number(answer.statusCode), body };
  }

  /** Bytes as they are; everything that comes back until the connection ends. */
  async raw(text: string): Promise<string> {
    const socket = connect(this.proxy.port, '127.0.0.1');
    socket.write(text);
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    return answer;
  }
}

function policy(network: string, mode: 'enforce' | 'monitor'): PolicySnapshot {
  return snapshotOf(`network:\n  default: allow\n  ${network}`, mode);
}
