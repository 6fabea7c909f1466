import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from '@playwright/test';
import { inaccessible } from './axe.ts';
import { expect, openOverview, type Product, test } from './product.ts';

const RAYPHER = fileURLToPath(new URL('../../apps/edge-agent/dist/cli/main.js', import.meta.url));
const EVERYTHING = { hardware: 'admit', virtual: 'admit', unverified: 'admit', software: 'admit' };

interface DeviceView {
  id: string;
  status: string;
  connected: boolean;
  history: { kind: string; detail: string }[];
}

const deviceOf = ({ api }: Product, id: string) => api<DeviceView>('GET', `/v1/devices/${id}`);

async function expectAccessible(page: Page, where: string): Promise<void> {
  expect.soft(await inaccessible(page, where)).toEqual([]);
}

/** Enrols one more device with a key in a file, as `raypher enroll` on its machine would. */
async function enrolWithSoftwareKey({ api, stack }: Product): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-pending-'));
  try {
    const { token } = await api<{ token: string }>('POST', '/v1/enrolment-tokens', { name: 'pending' });
    const file = join(folder, 'token');
    writeFileSync(file, token, { mode: 0o600 });
    const options = [
      '--server',
      stack.urls.enrolment,
      '--token-file',
      file,
      '--data-dir',
      join(folder, 'agent'),
    ];
    await promisify(execFile)(process.execPath, [RAYPHER, 'enroll', '--identity', 'software', ...options], {
      env: { PATH: process.env.PATH },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
  const { items } = await api<{ items: { id: string }[] }>('GET', '/v1/devices?state=pending');
  const [pending] = items;
  if (pending === undefined) throw new Error('the new device does not wait');
  return pending.id;
}

async function answer(page: Page, reason: string, button: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('button', { name: button })).toBeDisabled();
  await dialog.getByLabel('Reason').fill(reason);
  await dialog.getByRole('button', { name: button }).click();
  await expect(dialog).toBeHidden();
}

test('the rules of who may join are changed with a reason and are there after a reload', async ({
  console: page,
  product,
}) => {
  await page.goto(`${product.stack.urls.web}/settings?tab=identity`);
  const rule = page.getByLabel('Rule for Unverified TPM identity');
  await rule.selectOption('refuse');
  await page.getByRole('button', { name: 'Save rules' }).click();
  await expect(page.getByRole('dialog')).toContainText('an unverified TPM identity cannot enrol any more');
  await answer(page, 'Only chips that a maker vouches for', 'Save rules');
  await page.reload();
  await expect(rule).toHaveValue('refuse');
  const settings = await product.api<{ admission: object }>('GET', '/v1/settings/identity');
  expect(settings.admission).toEqual({ ...EVERYTHING, unverified: 'refuse' });
  await product.api('PUT', '/v1/settings/identity', {
    admission: EVERYTHING,
    reason: 'As it was for the other tests',
  });
});

test('a pinned root is found by its maker, distrusted and trusted again', async ({
  console: page,
  product,
}) => {
  await page.goto(`${product.stack.urls.web}/settings?tab=identity`);
  await page.getByLabel('Search roots').fill('infineon');
  const rows = page.getByRole('table', { name: 'Pinned TPM roots' }).getByRole('row');
  await expect(rows.filter({ hasNotText: /infineon/i })).toHaveCount(1); // the head of the table
  await rows
    .getByRole('button', { name: /^Distrust/ })
    .first()
    .click();
  await answer(page, 'The maker reported a leaked key', 'Distrust root');
  await expect(rows.filter({ hasText: 'Distrusted' })).toHaveCount(1);
  await rows.getByRole('button', { name: /^Trust/ }).click();
  await answer(page, 'It was a false alarm', 'Trust root');
  await expect(rows.filter({ hasText: 'Distrusted' })).toHaveCount(0);
});

test('a certificate that is no root is refused at its field', async ({ console: page, product }) => {
  await page.goto(`${product.stack.urls.web}/settings?tab=identity`);
  await page.getByRole('button', { name: 'Add root' }).click();
  const dialog = page.getByRole('dialog');
  const certificate = dialog.getByLabel('Certificate (PEM)');
  await certificate.fill('MIIB');
  await expect(certificate).toHaveAttribute('aria-invalid', 'true');
  await certificate.fill('-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----');
  await dialog.getByLabel('Maker').fill('Nobody');
  await dialog.getByLabel('Reason').fill('Trying it out');
  await dialog.getByRole('button', { name: 'Add root' }).click();
  await expect(certificate).toHaveAttribute('aria-invalid', 'true');
});

test('a new token is hidden, in files for every management system, and nowhere else', async ({
  console: page,
  product,
}) => {
  await page.goto(`${product.stack.urls.web}/rollout?new=1`);
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Artefacts');
  const created = page.waitForResponse(
    (response) => response.request().method() === 'POST' && response.url().endsWith('/v1/enrolment-tokens'),
  );
  await dialog.getByRole('button', { name: 'Create token' }).click();
  const { token } = (await (await created).json()) as { token: string };
  const whole = async (): Promise<string> =>
    (await dialog.textContent()) +
    (await dialog
      .locator('textarea')
      .evaluateAll((all) => all.map((area) => (area as HTMLTextAreaElement).value).join('\n')));

  for (const tab of ['This machine, shell', 'cloud-init', 'Intune', 'Jamf', 'Kandji / Iru']) {
    await dialog.getByRole('tab', { name: tab }).click();
    await expect(dialog.getByRole('list', { name: 'Steps' }).getByRole('listitem').first()).toBeVisible();
    await expect(dialog.getByRole('button', { name: /^Download/ })).toBeVisible();
    expect(await whole()).not.toContain(token);
    await expectAccessible(page, tab);
  }

  await dialog.getByRole('tab', { name: 'cloud-init' }).click();
  await dialog.getByRole('button', { name: 'Show the token' }).click();
  await expect.poll(whole).toContain(token);
  const downloading = page.waitForEvent('download');
  await dialog.getByRole('button', { name: /^Download/ }).click();
  const file = readFileSync(await (await downloading).path());
  expect(file.toString()).toContain(token);
  const sha256 = createHash('sha256').update(file).digest('hex');
  await expect(dialog.getByTitle(sha256)).toBeVisible();

  expect(page.url()).not.toContain(token);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(kept).not.toContain(token);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByText(token)).toHaveCount(0);
});

test('a device that must be approved waits on the overview and in the list, and is approved there', async ({
  console: page,
  product,
}) => {
  await product.api('PUT', '/v1/settings/identity', {
    admission: { ...EVERYTHING, software: 'approve' },
    reason: 'Somebody looks at keys in files',
  });
  try {
    await openOverview(page, product);
    const id = await enrolWithSoftwareKey(product);
    const waiting = page
      .getByRole('region', { name: 'Needs a person' })
      .getByRole('link', { name: /waits for approval/ });
    await expect(waiting).toHaveAttribute('href', `/devices/${id}`);
    await waiting.click();
    await expect(page.getByRole('region', { name: 'Waiting for approval' })).toBeVisible();
    await expectAccessible(page, 'a device that waits');

    await page.goto(`${product.stack.urls.web}/devices?state=pending`);
    const row = page.getByRole('grid', { name: 'Devices' }).getByRole('row').nth(1);
    await row.getByRole('button', { name: /^Approve/ }).click();
    await answer(page, 'Known to the team', 'Approve device');
    await expect(page.getByText('No device waits for approval')).toBeVisible();
    const approved = await deviceOf(product, id);
    expect(approved.status).toBe('active');
    expect(approved.history.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['approved', 'enrolled']),
    );
    await product.api('POST', `/v1/devices/${id}/revoke`, { reason: 'Only of this test' });
  } finally {
    await product.api('PUT', '/v1/settings/identity', {
      admission: EVERYTHING,
      reason: 'As it was for the other tests',
    });
  }
});

test('a paused device is disconnected, says so, and comes back when a person resumes it', async ({
  console: page,
  product,
}) => {
  await page.goto(`${product.stack.urls.web}/devices/${product.device}`);
  await page
    .getByRole('main')
    .getByRole('button', { name: /^Pause/ })
    .click();
  await answer(page, 'Checking with its owner', 'Pause device');
  const banner = page.getByRole('region', { name: 'Paused' });
  await expect(banner).toContainText('Checking with its owner');
  await expect.poll(async () => (await deviceOf(product, product.device)).connected).toBe(false);
  await expectAccessible(page, 'a paused device');

  await page.goto(`${product.stack.urls.web}/devices?state=paused`);
  await expect(page.getByRole('grid', { name: 'Devices' }).getByText('Paused')).toBeVisible();
  await page.goto(`${product.stack.urls.web}/devices/${product.device}`);
  await banner.getByRole('button', { name: /^Resume/ }).click();
  await answer(page, 'The owner has it', 'Resume device');
  await expect(banner).toBeHidden();
  await expect
    .poll(async () => (await deviceOf(product, product.device)).connected, { timeout: 120_000 })
    .toBe(true);
  const { history } = await deviceOf(product, product.device);
  expect(history.slice(0, 2).map(({ kind }) => kind)).toEqual(['resumed', 'paused']);
});

test('a key is pushed to this machine: sealed by the browser, taken by the device, never sent in the clear', async ({
  console: page,
  product,
}) => {
  const key = ['sk', 'test', 'pushed'.repeat(6)].join('-');
  const sent: string[] = [];
  page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`));
  await page.goto(`${product.stack.urls.web}/devices/${product.device}`);
  await page.getByRole('button', { name: 'Push a key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Provider').selectOption('mistral');
  await expect(dialog.getByLabel('Name')).toHaveValue('mistral');
  await dialog.getByLabel('Key', { exact: true }).fill(key);
  await dialog.getByLabel('Reason').fill('The support bot moves here');
  await expectAccessible(page, 'pushing a key');
  await dialog.getByRole('button', { name: 'Seal and push' }).click();
  await expect(dialog.getByRole('status')).toContainText('Done');
  await dialog.getByRole('button', { name: 'Close' }).first().click();
  expect(sent.some((request) => request.includes('/secrets '))).toBe(true);
  expect(sent.filter((request) => request.includes(key))).toEqual([]);

  await page.getByRole('button', { name: 'Revoke a key' }).click();
  await dialog.getByLabel('Name').fill('mistral');
  await dialog.getByLabel('Reason').fill('It was only for this test');
  await dialog.getByRole('button', { name: 'Revoke key' }).click();
  await expect(dialog.getByRole('status')).toContainText('Done');
  await dialog.getByRole('button', { name: 'Close' }).first().click();

  // The same for an API that is no provider's, with what the key is for.
  await page.getByRole('button', { name: 'Push a key' }).click();
  await dialog.getByLabel('Provider').selectOption('Any other API');
  await dialog.getByLabel('Name').fill('tracker');
  await dialog.getByLabel('Hosts').fill('https://tracker.example');
  await dialog.getByLabel('Key', { exact: true }).fill(key);
  await dialog.getByLabel('Reason').fill('The support bot files issues');
  await expect(dialog.getByRole('button', { name: 'Seal and push' })).toBeDisabled();
  await expect(dialog).toContainText('A host is a name such as api.example.com');
  await dialog.getByLabel('Hosts').fill('tracker.example');
  await dialog.getByLabel('Uses').fill('5');
  await expectAccessible(page, 'pushing a key for any API');
  await dialog.getByRole('button', { name: 'Seal and push' }).click();
  await expect(dialog.getByRole('status')).toContainText('Done');
  expect(sent.filter((request) => request.includes('tracker.example'))).toHaveLength(1);
  expect(sent.filter((request) => request.includes(key))).toEqual([]);
});

for (const scheme of ['dark', 'light'] as const) {
  test(`identity settings and waiting devices are accessible in ${scheme}`, async ({
    console: page,
    product,
  }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const path of [
      '/settings?tab=identity',
      '/devices?state=pending',
      '/devices?state=paused',
      '/rollout',
    ]) {
      await page.goto(`${product.stack.urls.web}${path}`);
      await expect(page.getByRole('main').locator('[aria-busy="true"]')).toHaveCount(0);
      await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0);
      await expectAccessible(page, path);
    }
  });
}
