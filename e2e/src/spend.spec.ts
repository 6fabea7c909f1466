import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Budgets, Spend } from '@raypher/shared/rest';
import { axe } from './axe.ts';
import { expect, type Product, test } from './product.ts';
import { setPolicy } from './set-policy.ts';

const ONE_CALL = fileURLToPath(new URL('../agents/one-call.mjs', import.meta.url));
/** A call of the test may cost up to a cent and costs a few millionths of a dollar. */
const policy = (dollars: number) => `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
financial:
  limits:
    - { id: everything, amount: ${dollars}, per: month, scope: organisation, warn_at: 0.8 }
    - { id: each-agent, amount: 5, per: day, scope: agent }
`;

async function ask({ stack }: Product): Promise<{ ok: boolean; status?: number; message?: string }> {
  const { stdout } = await promisify(execFile)(process.execPath, [ONE_CALL], {
    env: {
      PATH: process.env.PATH,
      OPENAI_BASE_URL: `${stack.urls.proxy}/openai/v1`,
      OPENAI_API_KEY: 'not-a-key',
    },
  });
  return JSON.parse(stdout);
}

test('a call is paid out of a share of the common limit, appears with its cost, and opens its rows', async ({
  console: page,
  product,
}) => {
  const { stack, api } = product;
  const running = await api<{ documents: { source: string }[] }>('GET', '/v1/policies/running');
  await setPolicy(product, policy(1), 'Spending is limited.');
  await page.goto(`${stack.urls.web}/spend?days=1`);
  const budgets = page.getByRole('region', { name: 'Budgets' });
  await expect(budgets).toContainText('$1.00 per month and organisation');

  // The first call of the period: the device has to ask for a share before it may go on.
  expect(await ask(product)).toMatchObject({ ok: true });
  const row = page.getByRole('table', { name: 'Cost by Provider' }).getByRole('row', { name: /openai/ });
  // Other tests' calls are in it as well.
  await expect(row).toContainText(/\$\d+\.\d/);
  await expect(budgets).toContainText('lent to devices');
  const told = async () => {
    const { limits } = await api<Budgets>('GET', '/v1/budgets');
    return limits[0]?.counters[0]?.spentMicros;
  };
  const spend = await api<Spend>('GET', '/v1/spend');
  expect(spend.totals.exactMicros).toBeGreaterThan(0);
  expect(spend.totals.unknownCalls).toBe(0);
  // One more call makes the device tell what the first one cost; both counts are of the same calls.
  expect(await ask(product)).toMatchObject({ ok: true });
  await expect.poll(told, { timeout: 75_000 }).toBeGreaterThan(0);

  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    const { violations } = await axe(page).analyze();
    expect(violations).toEqual([]);
  }
  await row.getByRole('link', { name: 'openai' }).click();
  await expect(page).toHaveURL(/\/events\?.*provider=openai/);
  await expect(page.getByRole('row', { name: /api\.openai\.com/ }).first()).toBeVisible();

  // A limit that no call fits into refuses in the provider's words, and nothing is sent.
  const before = product.upstream.requests.length;
  await setPolicy(product, policy(0.001), 'Nothing is to be spent.');
  const refused = await ask(product);
  expect(refused).toMatchObject({ ok: false, status: 429 });
  expect(refused.message).toContain('everything');
  expect(product.upstream.requests.length).toBe(before);
  await setPolicy(product, running.documents[0]?.source ?? '', 'Back to the policy before.');
});
