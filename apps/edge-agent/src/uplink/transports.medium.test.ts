import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LinkTransport } from '@raypher/shared';
import {
  CommandView,
  CreatedEnrolmentToken,
  EventView,
  FreezeWithRollout,
  Rollout,
} from '@raypher/shared/rest';
import { TestInstallation } from '@raypher/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { DEFAULT_CONFIG } from '../config/config.ts';
import { leaveOrganisation } from '../service/membership.ts';
import { agentPaths } from '../service/paths.ts';
import { becomeMember } from '../setup/become-member.ts';
import { controlPlaneChecks } from '../setup/doctor/control-plane-checks.ts';
import { ConnectProxy } from '../testing/connect-proxy.ts';
import { networkEvent, type TestDevice, TestFleet } from '../testing/test-fleet.ts';
import { UpgradeRefusingFront } from '../testing/upgrade-refusing-front.ts';

/** What a network lets through, and what the agent is left with. */
type Network = Record<
  LinkTransport,
  (fleet: TestFleet) => Promise<{ cutAll: () => void; stop: () => Promise<void> }>
>;

const TRANSPORTS: LinkTransport[] = ['grpc', 'websocket', 'long-poll'];

let installation: TestInstallation;
let fleet: TestFleet | undefined;

beforeAll(async () => {
  installation = await TestInstallation.start('Networks');
}, 120_000);

afterEach(async () => {
  await fleet?.close();
});

afterAll(async () => {
  await installation?.stop();
});

const network: Network = {
  grpc: async (device) => {
    const proxy = await ConnectProxy.start();
    device.proxy = proxy.url;
    return proxy;
  },
  websocket: async (device) => {
    const proxy = await ConnectProxy.start();
    proxy.blocks.add('h2');
    device.proxy = proxy.url;
    return proxy;
  },
  'long-poll': async (device) => {
    const { certificate, ca, link } = device.enrolment;
    const file = (name: string) => readFileSync(join(installation.dataDir, 'pki', name), 'utf8');
    const front = await UpgradeRefusingFront.start(
      { cert: file('server.crt'), key: file('server.key'), ca },
      device.keys.tlsIdentity(certificate, ca),
      link.port,
    );
    device.enrolment = { ...device.enrolment, link: { ...link, port: front.port } };
    return front;
  },
};

async function createToken(): Promise<string> {
  const asked = { name: 'Networks', maxUses: 1 };
  return CreatedEnrolmentToken.parse(await installation.send('POST', '/v1/enrolment-tokens', asked)).token;
}

async function member(): Promise<TestFleet> {
  fleet = await TestFleet.enrol({ server: installation.enrolment, token: await createToken() });
  return fleet;
}

function connected(device: TestDevice, transport: LinkTransport, timeout = 20_000): Promise<void> {
  return expect
    .poll(() => device.uplink.status, { timeout })
    .toMatchObject({ state: 'connected', transport });
}

async function storedSeqs(device: string): Promise<number[]> {
  const events = await installation.readAll(EventView, '/v1/events', { device });
  return events.map(({ seq }) => seq).sort((a, b) => a - b);
}

async function applied({ id }: Rollout): Promise<number> {
  return Rollout.parse(await installation.send('GET', `/v1/rollouts/${id}`)).counts.applied;
}

test.each(TRANSPORTS)(
  'on a network that leaves %s, policies, freezes, commands and events arrive, and a revocation ends it',
  { timeout: 60_000 },
  async (transport) => {
    const own = await member();
    const way = await network[transport](own);
    try {
      const device = own.open();
      device.uplink.start();
      await connected(device, transport);
      const better = TRANSPORTS.slice(0, TRANSPORTS.indexOf(transport));
      expect(device.uplink.status.blocked.map(({ transport: name }) => name)).toEqual(better);

      const rollout = Rollout.parse(await installation.deploy(`over-${transport}`));
      // Brought at once, and not with a heartbeat, of which there is one in half a minute.
      await expect.poll(() => device.policy.current()?.revision, { timeout: 10_000 }).toBe(rollout.revision);
      await expect.poll(() => applied(rollout)).toBe(1);

      const selector = { kind: 'all' };
      const frozen = FreezeWithRollout.parse(
        await installation.send('POST', '/v1/freezes', {
          selector,
          reason: 'A test',
          confirm: installation.organisation,
        }),
      );
      await expect.poll(() => applied(frozen.rollout)).toBe(1);
      await installation.send('POST', `/v1/freezes/${frozen.freeze.id}/thaw`, { reason: 'A test' });

      const path = `/v1/devices/${own.enrolment.device}/commands`;
      const { id } = CommandView.parse(
        await installation.send('POST', path, { verb: 'scan', arguments: {}, reason: 'A test' }),
      );
      await expect.poll(() => device.ran.map((command) => command.id)).toEqual([id]);

      await device.ledger.record(networkEvent('one'));
      const durable = () => device.log.durableThrough() === device.ledger.head.seq;
      await expect.poll(durable).toBe(true);

      await installation.send('POST', `/v1/devices/${own.enrolment.device}/revoke`, { reason: 'A test' });
      await expect
        .poll(() => device.uplink.status)
        .toMatchObject({ state: 'waiting', code: 'device/revoked', transport });
    } finally {
      await own.close();
      await way.stop();
    }
  },
);

test.each(TRANSPORTS)(
  'with %s cut again and again, every event is there once',
  { timeout: 90_000 },
  async (transport) => {
    const own = await member();
    const way = await network[transport](own);
    try {
      const device = own.open();
      device.uplink.start();
      await connected(device, transport);
      const advanced = new Set<number>();
      for (let round = 0; round < 4; round += 1) {
        await connected(device, transport);
        const before = device.log.durableThrough();
        for (let index = 0; index < 60; index += 1) device.ledger.note(networkEvent(`${round}/${index}`));
        device.ledger.flush();
        // By turns: once something more is durable, and at any moment before or after that.
        const moment = performance.now() + (round % 2 === 0 ? 10_000 : Math.random() * 200);
        await expect
          .poll(() => device.log.durableThrough() > before || performance.now() > moment, { interval: 5 })
          .toBe(true);
        advanced.add(device.log.durableThrough());
        way.cutAll();
      }
      await expect.poll(() => device.log.durableThrough(), { timeout: 45_000 }).toBe(device.ledger.head.seq);
      const { seq } = device.ledger.head;
      expect(seq).toBeGreaterThanOrEqual(240);
      expect(await storedSeqs(own.enrolment.device)).toEqual(
        Array.from({ length: seq }, (_, index) => index + 1),
      );
      expect(advanced.size).toBeGreaterThan(1);
    } finally {
      await own.close();
      await way.stop();
    }
  },
);

test('a proxy that refuses the tunnel, and then does not any more, is got over without a storm', {
  timeout: 60_000,
}, async () => {
  const own = await member();
  const proxy = await ConnectProxy.start();
  own.proxy = proxy.url;
  proxy.refuses = 407;
  try {
    const device = own.open();
    device.uplink.start();
    await expect
      .poll(() => device.uplink.status, { timeout: 20_000 })
      .toMatchObject({
        state: 'waiting',
        reason: expect.stringMatching(/proxy 127\.0\.0\.1:\d+ answered 407/),
      });
    expect(proxy.offered).toEqual([]);
    proxy.refuses = undefined;
    await expect.poll(() => device.uplink.status.state, { timeout: 40_000 }).toBe('connected');
    expect(proxy.offered.length).toBeLessThan(4);
  } finally {
    await own.close();
    await proxy.stop();
  }
});

test('while nobody is there the agent stays with what it has, and comes back by it', {
  timeout: 90_000,
}, async () => {
  const own = await member();
  const device = own.open();
  device.uplink.start();
  await connected(device, 'grpc');
  installation.link.kill('SIGKILL');
  await expect.poll(() => device.uplink.status.state).not.toBe('connected');
  await installation.link.untilUp();
  // The longest wait between two attempts is half a minute.
  await connected(device, 'grpc', 50_000);
  expect(device.uplink.status.blocked).toEqual([]);
});

test('behind a proxy a machine enrols, learns from doctor what gets through, and leaves', {
  timeout: 60_000,
}, async () => {
  const proxy = await ConnectProxy.start();
  const dataDir = mkdtempSync(join(tmpdir(), 'raypher-behind-proxy-'));
  const config = { ...DEFAULT_CONFIG, dataDir, identityKey: 'software', linkProxy: proxy.url.href } as const;
  const paths = agentPaths(dataDir);
  const token = await createToken();
  const server = installation.enrolment;
  const look = () =>
    Promise.all(controlPlaneChecks(config).map(async ({ name, run }) => ({ name, ...(await run()) })));
  try {
    proxy.refuses = 403;
    const enrolment = { server, token: () => token, replace: false };
    await expect(becomeMember(enrolment, paths, config)).rejects.toMatchObject({
      code: 'link/unreachable',
      message: expect.stringMatching(/answered 403/),
    });
    proxy.refuses = undefined;
    await becomeMember(enrolment, paths, config);
    expect(proxy.offered.length).toBe(2);
    expect((await look()).map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok']);
    proxy.blocks.add('h2');
    expect((await look()).at(-1)).toMatchObject({
      name: 'mutual TLS',
      state: 'warn',
      evidence: expect.stringMatching(/took this device.*HTTP\/2 does not get through/),
    });
    proxy.refuses = 403;
    expect(await leaveOrganisation(paths, config)).toMatch(/answered 403/);
    proxy.refuses = undefined;
    expect(await leaveOrganisation(paths, config)).toBe('');
  } finally {
    await proxy.stop();
    rmSync(dataDir, { recursive: true });
  }
});
