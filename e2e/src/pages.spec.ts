import { inaccessible } from './axe.ts';
import { expect, test } from './product.ts';

const PAGES = [
  ['Overview', '/'],
  ['Watchtower', '/watchtower'],
  ['Devices', '/devices'],
  ['AI agents', '/agents'],
  ['Policies', '/policies'],
  ['Panic Center', '/panic'],
  ['Events', '/events'],
  ['Incidents', '/incidents'],
  ['Spend', '/spend'],
  ['Approvals', '/approvals'],
  ['Audit', '/audit'],
  ['Ledger', '/ledger'],
  ['Add devices', '/rollout'],
  ['Settings', '/settings'],
] as const;

for (const scheme of ['dark', 'light'] as const) {
  test(`every page is accessible in ${scheme} and logs no error`, async ({ console: page, product }) => {
    const problems: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const [, path] of [...PAGES, ['Device', `/devices/${product.device}`] as const]) {
      await page.goto(`${product.stack.urls.web}${path}`);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expect(page.getByRole('main').locator('[aria-busy="true"]')).toHaveCount(0);
      expect.soft(await inaccessible(page, path)).toEqual([]);
    }
    expect(problems).toEqual([]);
  });
}

test('this machine is there with its real facts and says what it truly enforces', async ({
  console: page,
  product,
}) => {
  await page.goto(`${product.stack.urls.web}/devices/${product.device}`);
  const main = page.getByRole('main');
  await expect(main).toContainText('Connected');
  await expect(main).toContainText(/software identity/i);
  await expect(main).toContainText('Connections, in the kernel');
  const device = await product.api<{
    live: { processes: number } | null;
    posture: { capability: string; state: string; reason: string }[];
  }>('GET', `/v1/devices/${product.device}`);
  expect(device.live?.processes).toBeGreaterThan(10);
  // What this machine's kernel can do differs; that each capability says it, and why, does not.
  for (const wanted of [
    'kernel.files',
    'kernel.programs',
    'kernel.network',
    'kernel.redirect',
    'kernel.self',
  ]) {
    const found = device.posture.find(({ capability }) => capability === wanted);
    expect(found?.state, wanted).toMatch(/^(?:enforced|observing|unavailable)$/);
    expect(found?.reason, wanted).not.toBe('');
  }
});

test('without a session every page leads to the sign-in, and a wrong password says nothing about which half was wrong', async ({
  page,
  product,
}) => {
  await page.goto(`${product.stack.urls.web}/policies`);
  await expect(page).toHaveURL(/sign-in/);
  await page.getByLabel('Email').fill('ada@northwind.example');
  await page.getByLabel('Password').fill('wrong-password-1');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('Email or password is wrong')).toBeVisible();
});

test('the palette finds pages and devices by keyboard alone', async ({ console: page }) => {
  await page.keyboard.press('ControlOrMeta+k');
  await page.keyboard.type('audit');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Audit' })).toBeVisible();
});

test('a device gets a label and a team, and the audit says why', async ({ console: page, product }) => {
  const { id: team } = await product.api<{ id: string }>('POST', '/v1/teams', { name: 'Robot lab' });
  await page.goto(`${product.stack.urls.web}/devices/${product.device}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('button', { name: 'Save' })).toBeDisabled();
  await dialog.getByLabel('Label').fill('Bench by the window');
  await dialog.getByLabel('Team').selectOption({ label: 'Robot lab' });
  await dialog.getByLabel('Reason').fill('Handed over to the robot lab');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Bench by the window');
  const changed = await product.api<{ team: { id: string } }>('GET', `/v1/devices/${product.device}`);
  expect(changed.team.id).toBe(team);
  const { items } = await product.api<{ items: { action: string; reason: string }[] }>('GET', '/v1/audit');
  const change = items.find(({ action }) => action === 'device.update');
  expect(change?.reason).toBe('Handed over to the robot lab');
  await product.api('PATCH', `/v1/devices/${product.device}`, {
    label: null,
    teamId: null,
    reason: 'As it was for the other tests',
  });
});
