import { AiAgent, type Call } from './ai-agent.ts';
import { expect, type Product, test } from './product.ts';
import { recordedCentrally, recordedOnDevice } from './record.ts';

const DENY_DEEPSEEK = `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
  rules:
    - id: no-deepseek
      effect: deny
      destinations: ['*.deepseek.com']
      reason: Not approved for company data.
`;

/** Everything the device wrote down is in Postgres exactly once, in order. */
async function expectWholeRecord({ stack, organisation, device }: Product): Promise<void> {
  const onDevice = recordedOnDevice(stack.dataDir);
  const last = onDevice.at(-1)?.seq ?? 0;
  expect(last).toBeGreaterThan(20);
  await expect
    .poll(
      async () => (await recordedCentrally(stack.dataDir, organisation.id, device)).bySeq.at(-1)?.seq ?? 0,
      // A device that was long alone may wait for half a minute before it dials, and then it has much to tell.
      { timeout: 120_000 },
    )
    .toBeGreaterThanOrEqual(last);
  const { bySeq, byArrival } = await recordedCentrally(stack.dataDir, organisation.id, device);
  expect(bySeq.map(({ seq }) => seq)).toEqual(bySeq.map((_, index) => index + 1));
  expect(byArrival).toEqual([...byArrival].sort((a, b) => a - b));
  expect(bySeq.slice(0, last).map(({ hash }) => hash)).toEqual(onDevice.map(({ hash }) => hash));
}

/** Calls went on, before, during and after, and not one reached its host. */
async function expectNoneGotThrough(agent: AiAgent, product: Product): Promise<void> {
  await agent.next(({ status }) => status === 403, Date.now());
  const calls: readonly Call[] = agent.calls;
  expect(calls.length).toBeGreaterThan(2);
  expect(calls.filter(({ ok }) => ok)).toEqual([]);
  expect(product.upstream.requests.filter(({ headers }) => headers.host === 'api.deepseek.com')).toEqual([]);
}

test.describe('when things break', () => {
  let allowed: AiAgent;
  let forbidden: AiAgent;

  test.beforeEach(async ({ product }) => {
    const running = await product.api<{ revision: number; documents: { layer: string; source: string }[] }>(
      'GET',
      '/v1/policies/running',
    );
    if (running.documents[0]?.source !== DENY_DEEPSEEK) {
      await product.api('POST', '/v1/policies/deploy', {
        documents: [{ layer: 'global', source: DENY_DEEPSEEK }],
        basedOn: running.revision,
        reason: 'Chaos needs a rule that must hold.',
        confirm: product.organisation.name,
      });
    }
    const { proxy } = product.stack.urls;
    const probe = new AiAgent({ baseUrl: `${proxy}/deepseek/v1` });
    await probe.next(({ status }) => status === 403, 0);
    await probe.stop();
    product.upstream.reset();
    allowed = new AiAgent({ baseUrl: `${proxy}/v1` });
    forbidden = new AiAgent({ baseUrl: `${proxy}/deepseek/v1` });
    await Promise.all([allowed.next(({ ok }) => ok, 0), forbidden.next(({ status }) => status === 403, 0)]);
  });

  test.afterEach(async () => {
    await Promise.all([allowed.stop(), forbidden.stop()]);
  });

  test('the link is killed under traffic: nothing is lost, nothing doubled, rules hold', async ({
    product,
  }) => {
    const link = product.stack.process('link');
    for (let round = 0; round < 3; round++) {
      link.kill('SIGKILL');
      await expect.poll(() => link.pid).toBeUndefined();
      const since = Date.now();
      await allowed.next(({ ok }) => ok, since);
      await forbidden.next(({ status }) => status === 403, since);
      await link.untilUp();
    }
    await expectNoneGotThrough(forbidden, product);
    expect(allowed.calls.filter(({ ok }) => !ok)).toEqual([]);
    await expectWholeRecord(product);
  });

  test('Redis restarts: nothing is lost, and a deploy afterwards still arrives', async ({ product }) => {
    const redis = product.stack.process('redis');
    redis.kill('SIGKILL');
    await expect.poll(() => redis.pid).toBeUndefined();
    await redis.untilUp();
    const running = await product.api<{ revision: number }>('GET', '/v1/policies/running');
    const { revision } = await product.api<{ revision: number }>('POST', '/v1/policies/deploy', {
      documents: [{ layer: 'global', source: DENY_DEEPSEEK }],
      basedOn: running.revision,
      reason: 'Redis was restarted.',
      confirm: product.organisation.name,
    });
    await expect
      .poll(
        async () =>
          await product.api<{ applied: { policy: number }; connected: boolean }>(
            'GET',
            `/v1/devices/${product.device}`,
          ),
        { timeout: 60_000 },
      )
      .toMatchObject({ applied: { policy: revision }, connected: true });
    await expectNoneGotThrough(forbidden, product);
    await expectWholeRecord(product);
  });

  test('the network is cut for a minute: rules hold offline, the queue is flushed in order', async ({
    product,
  }) => {
    test.setTimeout(360_000);
    product.relay.cut();
    const cutAt = Date.now();
    await forbidden.next(({ status, at }) => status === 403 && at >= cutAt + 60_000, cutAt, 90_000);
    await allowed.next(({ ok }) => ok, Date.now());
    product.relay.mend();
    await expectNoneGotThrough(forbidden, product);
    await expectWholeRecord(product);
  });

  test('the edge agent is killed: nothing gets past it, and it comes back with its rules', async ({
    product,
  }) => {
    const agent = product.stack.process('agent');
    agent.kill('SIGKILL');
    await expect.poll(() => agent.pid).toBeUndefined();
    await agent.untilUp();
    const since = Date.now();
    await forbidden.next(({ status }) => status === 403, since);
    await allowed.next(({ ok }) => ok, since);
    await expectNoneGotThrough(forbidden, product);
    await expectWholeRecord(product);
  });
});
