import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PackagedPrices } from '@raypher/cost';
import { Budgets } from '../../apps/edge-agent/src/budgets/budgets.ts';
import { LiveConnections } from '../../apps/edge-agent/src/connections/live-connections.ts';
import { Ledger, NOBODY } from '../../apps/edge-agent/src/ledger/ledger.ts';
import { DataGuard } from '../../apps/edge-agent/src/proxy/data-guard.ts';
import { LocalProxy } from '../../apps/edge-agent/src/proxy/local-proxy.ts';
import { PolicyEnforcer } from '../../apps/edge-agent/src/proxy/policy-enforcer.ts';
import { BufferedStore } from '../../apps/edge-agent/src/store/buffered-store.ts';
import { openDatabase } from '../../apps/edge-agent/src/store/database.ts';
import { EntryCipher } from '../../apps/edge-agent/src/store/entry-cipher.ts';
import { EventLog } from '../../apps/edge-agent/src/store/event-log.ts';
import { serveRemote } from './remote.ts';

export type OurProxyMethods = {
  /** @returns its port */
  start(upstream: number): Promise<number>;
  stop(): Promise<{ recorded: number }>;
};

const RULES = 1_000;
let stop: (() => Promise<{ recorded: number }>) | undefined;

const methods: OurProxyMethods = {
  /** Everything on: a thousand rules, data both ways, limits counted on disk, prices, the live view and the ledger. */
  async start(upstream) {
    const folder = mkdtempSync(join(tmpdir(), 'raypher-bench-proxy-'));
    const { db } = openDatabase(join(folder, 'agent.db'));
    const store = new BufferedStore(join(folder, 'agent.db'));
    const ledger = new Ledger(
      new EventLog(store.db, new EntryCipher(randomBytes(32)), () => store.flushed()),
      NOBODY,
    );
    const policy = new PolicyEnforcer('software');
    await policy.apply({
      revision: 1,
      digest: '00'.repeat(32),
      payload: {
        kind: 'policy',
        organisation: NOBODY.organisation,
        revision: 1,
        issuedAt: new Date().toISOString(),
        documents: [{ layer: 'global', source: documentOfManyRules() }],
      },
    });
    let recorded = 0;
    const proxy = new LocalProxy(
      { port: 0, bodyLimitBytes: 32 << 20, connectTo: { 'api.openai.com': `http://127.0.0.1:${upstream}` } },
      {
        policy,
        data: new DataGuard(randomBytes(32)),
        prices: new PackagedPrices(),
        spending: new Budgets(store.db),
        connections: new LiveConnections(),
        identify: async () => ({
          process: { pid: process.pid, startTime: 1 },
          agent: { id: 'ab'.repeat(32), name: 'bench', user: 'kim', libraries: ['openai'] },
        }),
        record: (event) => {
          recorded += 1;
          ledger.note(event);
        },
        modelSeen: () => {},
        failed: (error) => {
          throw error;
        },
      },
    );
    await proxy.start();
    stop = async () => {
      await proxy.stop();
      await ledger.settled();
      store.close();
      db.close();
      rmSync(folder, { recursive: true });
      return { recorded };
    };
    return proxy.port;
  },
  async stop() {
    if (stop === undefined) throw new Error('start first');
    return stop();
  },
};

function documentOfManyRules(): string {
  return JSON.stringify({
    apiVersion: 'raypher/v1',
    mode: 'enforce',
    network: {
      default: 'allow',
      rules: Array.from({ length: RULES }, (_, at) => ({
        id: `rule-${at}`,
        effect: 'deny',
        destinations: [`*.bad-${at}.example`],
      })),
    },
    dlp: {
      default: 'allow',
      rules: [
        { id: 'keys', effect: 'redact', classes: ['credential'] },
        { id: 'cards', effect: 'block', classes: ['payment'] },
      ],
    },
    financial: {
      limits: [
        { id: 'agent', amount: 1e6, per: 'day', scope: 'agent' },
        { id: 'all', amount: 1e6, per: 'month', scope: 'organisation' },
      ],
    },
  });
}

serveRemote(methods);
