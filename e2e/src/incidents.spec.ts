import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { IncidentDetail } from '@raypher/shared/rest';
import { ownerUrl } from './owner-url.ts';
import { expect, type Product, test } from './product.ts';
import { filesHolding, tablesHolding } from './secret-search.ts';
import { setPolicy } from './set-policy.ts';

const ONE_CALL = fileURLToPath(new URL('../agents/one-call.mjs', import.meta.url));
const POLICY = `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
dlp:
  default: allow
  rules:
    - id: no-credentials
      effect: block
      classes: [credential]
      reason: Credentials stay here.
`;

/** Asks the model with the official client; gives what the AI agent got. */
async function ask(
  { stack }: Product,
  prompt: string,
): Promise<{ ok: boolean; status?: number; message?: string }> {
  const { stdout } = await promisify(execFile)(process.execPath, [ONE_CALL], {
    env: {
      PATH: process.env.PATH,
      OPENAI_BASE_URL: `${stack.urls.proxy}/openai/v1`,
      OPENAI_API_KEY: 'not-a-key',
      PROMPT: prompt,
    },
  });
  return JSON.parse(stdout);
}

test('a key in a prompt is blocked and becomes an incident that a person closes; the key itself is nowhere', async ({
  console: page,
  product,
}) => {
  const { stack, api, upstream } = product;
  const running = await api<{ documents: { source: string }[] }>('GET', '/v1/policies/running');
  await setPolicy(product, POLICY, 'Credentials are not sent to models.');
  const key = ['sk', 'proj', randomBytes(30).toString('base64url')].join('-');
  const prompt = `Why does this key not work? ${key}`;

  await page.goto(`${stack.urls.web}/incidents`);
  await expect(page.getByRole('heading', { name: 'No open incident' })).toBeVisible();
  const refused = await ask(product, prompt);
  expect(refused).toMatchObject({ ok: false, status: 403 });
  expect(refused.message).toContain('Credentials stay here');
  expect(refused.message).not.toContain(key);
  expect(upstream.requests.some(({ body }) => body.includes(key))).toBe(false);

  // It comes by itself to somebody who looks; the second time it is the same incident.
  const row = page.getByRole('row', { name: /sent credential to api\.openai\.com/ });
  await expect(row).toHaveCount(1);
  await ask(product, prompt);
  await expect(row).toContainText('2');
  await expect(row).toHaveCount(1);
  await row.click();
  const panel = page.getByRole('complementary', { name: /Credential → api\.openai\.com/ });
  await expect(panel).toContainText('It was blocked.');
  await expect(panel.getByRole('region', { name: 'Masked samples' })).toContainText(
    `${key.slice(0, 4)}…${key.slice(-4)}`,
  );
  await expect(panel.getByRole('region', { name: 'Why?' })).toContainText('no-credentials');
  await expect(panel.getByRole('region', { name: 'Occurrences' }).getByRole('listitem')).toHaveCount(2);

  await panel.getByRole('button', { name: 'False positive…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason').fill('A key that was made for this test');
  await dialog.getByRole('button', { name: 'Mark' }).click();
  await expect(panel.getByRole('region', { name: 'Exception for the policy' })).toContainText(
    'rules: ["no-credentials"]',
  );
  // Nothing was changed by that: the same message is still refused.
  expect(await ask(product, prompt)).toMatchObject({ status: 403 });

  await panel.getByRole('link', { name: /^Ledger entry/ }).click();
  await expect(page.getByRole('complementary')).toContainText('dlp.found');

  const { items } = await api<{ items: { id: string }[] }>('GET', '/v1/incidents?host=api.openai.com');
  const detail = () => api<IncidentDetail>('GET', `/v1/incidents/${items[0]?.id}`);
  // What the last message had of the key is here too, and does not come after everything was erased.
  await expect.poll(async () => (await detail()).occurrences).toBe(3);
  const incident = await detail();
  expect(incident).toMatchObject({
    status: 'false-positive',
    outcome: 'block',
    agent: { name: expect.any(String) },
  });
  await api('POST', `/v1/incidents/${incident.id}/erase`, { reason: 'The test is over.' });
  const sample = `${key.slice(0, 4)}…${key.slice(-4)}`;
  expect(await tablesHolding(sample, ownerUrl(stack))).toEqual([]);

  expect(filesHolding(key, stack.dataDir)).toEqual([]);
  expect(await tablesHolding(key, ownerUrl(stack))).toEqual([]);
  // What is searched for would be found: the agent's name is.
  expect(await tablesHolding('no-credentials', ownerUrl(stack))).not.toEqual([]);
  await setPolicy(product, running.documents[0]?.source ?? '', 'As it was for the other tests.');
});
