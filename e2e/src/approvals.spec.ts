import { fileURLToPath } from 'node:url';
import type { Approval } from '@raypher/shared/rest';
import { AiAgent } from './ai-agent.ts';
import { inaccessible } from './axe.ts';
import { expect, openOverview, type Product, test } from './product.ts';

const PATIENT = fileURLToPath(new URL('../agents/patient-calls.mjs', import.meta.url));

const policy = (rule: string) => `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
  rules:
    - ${rule}
`;

const ask = (more = '') =>
  policy(
    `{ id: ask-first, effect: prompt, destinations: [api.openai.com], reason: Ask before calling OpenAI.${more} }`,
  );

/** Puts a policy in force on this machine. */
async function setPolicy({ api, organisation }: Product, source: string): Promise<void> {
  const running = await api<{ revision: number }>('GET', '/v1/policies/running');
  const { id } = await api<{ id: string }>('POST', '/v1/policies/deploy', {
    documents: [{ layer: 'global', source }],
    basedOn: running.revision,
    reason: 'A test of approvals.',
    confirm: organisation.name,
  });
  await expect
    .poll(
      async () => (await api<{ counts: { applied?: number } }>('GET', `/v1/rollouts/${id}`)).counts.applied,
    )
    .toBe(1);
}

/** An AI agent that asks its model so many times, one after another, and waits for as long as it takes. */
function agentOf({ stack }: Product, calls = 1): AiAgent {
  return new AiAgent({
    script: PATIENT,
    baseUrl: `${stack.urls.proxy}/openai/v1`,
    args: ['gpt-4o', String(calls)],
  });
}

/** The newest question; undefined when nobody was asked yet. */
async function newest({ api }: Product): Promise<Approval | undefined> {
  const { items } = await api<{ items: Approval[] }>('GET', '/v1/approvals?limit=1');
  return items[0];
}

test.afterAll(async ({ product }) => {
  await setPolicy(product, policy('{ id: never, effect: deny, destinations: [never.example] }'));
});

test('a call waits for a person, who allows it on the dashboard', async ({
  console: page,
  product,
}, info) => {
  await setPolicy(product, ask());
  await openOverview(page, product);
  await page.getByRole('navigation').getByRole('link', { name: 'Approvals' }).click();
  await expect(page.getByText('Nobody waits')).toBeVisible();
  const began = Date.now();
  const agent = agentOf(product);
  try {
    const question = page.getByRole('article', { name: /wants to|api\.openai\.com/ }).first();
    await expect(question).toContainText('Ask before calling OpenAI.');
    const shownAt = Date.now();
    const askedAt = (await newest(product))?.askedAt ?? '';
    const description = `${shownAt - Date.parse(askedAt)} ms from the question to the screen`;
    info.annotations.push({ type: 'measured', description });
    process.stdout.write(`      ${description}\n`);
    await expect(question).toContainText('ask-first');
    await expect(question).toContainText('gpt-4o');
    await expect(page.getByRole('navigation').getByText('1 waiting')).toBeVisible();
    // Nothing has gone out, and nothing came back.
    expect(agent.calls).toEqual([]);

    await question.getByRole('button', { name: /^Allow/ }).click();
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByRole('button', { name: 'Allow' })).toBeDisabled();
    await dialog.getByLabel('Reason').fill('Agreed with the team.');
    await dialog.getByRole('button', { name: 'Allow' }).click();
    expect((await agent.next(() => true, began)).ok).toBe(true);
    await expect(page.getByText('Nobody waits')).toBeVisible();
    const history = page.getByRole('region', { name: 'History' });
    await expect(history).toContainText(`Allowed by ${product.stack.administrator.email} once`);
  } finally {
    await agent.stop();
  }
});

test('a denial reaches the AI agent in its own client, and tells it to stop', async ({
  console: page,
  product,
}) => {
  await setPolicy(product, ask());
  const began = Date.now();
  const agent = agentOf(product);
  try {
    await page.goto(`${product.stack.urls.web}/approvals`);
    await page.getByRole('button', { name: /^Deny/ }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('Not with this data.');
    await page.getByRole('dialog').getByRole('button', { name: 'Deny' }).click();
    const call = await agent.next(() => true, began);
    expect(call).toMatchObject({
      ok: false,
      error: 'PermissionDeniedError',
      status: 403,
      code: 'policy_denied',
    });
    expect(call.message).toMatch(
      /said no: Not with this data\..*Stop here\. Do not try it again.*Tell the person/,
    );
    await expect.poll(async () => (await newest(product))?.state).toBe('denied');
  } finally {
    await agent.stop();
  }
});

test('a question that nobody answers is recorded as timed out, and a late answer changes nothing', async ({
  console: page,
  product,
}) => {
  await setPolicy(product, ask(' , timeout_seconds: 5'));
  await page.goto(`${product.stack.urls.web}/approvals`);
  const before = (await newest(product))?.id;
  const began = Date.now();
  const agent = agentOf(product);
  try {
    const call = await agent.next(() => true, began);
    expect(call).toMatchObject({ ok: false, status: 403 });
    expect(call.message).toContain('nobody answered in time');
    await expect(page.getByRole('region', { name: 'History' })).toContainText(
      // Not before its time; a busy machine may notice later.
      /Nobody decided after (?:[5-9]|[1-5]\d)\.\d s: refused by its rule\./,
    );
    await expect(page.getByRole('region', { name: 'History' })).toContainText('Timed out');
    const id = (await newest(product))?.id;
    expect(id).not.toBe(before);
    const late = await product
      .api('POST', `/v1/approvals/${id}/decide`, { outcome: 'allow', scope: 'once', reason: 'Too late.' })
      .catch((error: unknown) => String(error));
    expect(late).toMatch(/409.*approval\/decided.*timed out/);
  } finally {
    await agent.stop();
  }
});

test('"this process" is remembered for the process, and ends with the next policy', async ({
  console: page,
  product,
}) => {
  await setPolicy(product, ask());
  const agent = agentOf(product, 10_000);
  try {
    await page.goto(`${product.stack.urls.web}/approvals`);
    await page.getByRole('button', { name: /^Allow/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'This process' }).click();
    await dialog.getByLabel('Reason').fill('For this run.');
    await dialog.getByRole('button', { name: 'Allow' }).click();
    await expect.poll(() => agent.calls.filter(({ ok }) => ok).length).toBeGreaterThan(3);
    await expect(page.getByText('Nobody waits')).toBeVisible();
    await setPolicy(product, ask());
    await expect(page.getByRole('button', { name: /^Allow/ })).toBeVisible();
  } finally {
    await agent.stop();
  }
  // Its client has gone: nobody waits for an answer any more.
  await expect(page.getByText('Nobody waits')).toBeVisible();
  await expect.poll(async () => (await newest(product))?.state).toBe('withdrawn');
});

test('the page of questions is accessible, also by keyboard alone and on a phone', async ({
  console: page,
  product,
}) => {
  await setPolicy(product, ask(', approvers: 2, timeout_seconds: 600'));
  const agent = agentOf(product);
  try {
    for (const [colorScheme, width, height] of [
      ['dark', 1440, 900],
      ['light', 390, 844],
    ] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height });
      await page.goto(`${product.stack.urls.web}/approvals`);
      const allow = page.getByRole('button', { name: /^Allow/ });
      await expect(allow).toBeInViewport();
      await expect(page.getByRole('article')).toContainText('0 of 2 people');
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      expect(await inaccessible(page, colorScheme)).toEqual([]);
      await allow.focus();
      await page.keyboard.press('Enter');
      await expect(page.getByRole('dialog')).toBeVisible();
      expect(await inaccessible(page, `dialog ${colorScheme}`)).toEqual([]);
      await page.keyboard.press('Escape');
      await expect(allow).toBeFocused();
    }
  } finally {
    await agent.stop();
  }
});
