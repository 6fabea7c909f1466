import { expect, type Locator, type Page, test } from '@playwright/test';
import { startStack } from '../../infra/local/stack.mjs';

const ADMINISTRATOR = {
  organisation: 'Northwind Robotics',
  email: 'ada@northwind.example',
  password: ['correct', 'horse', 'battery', 'staple', '2'].join('-'),
};

let stack: Awaited<ReturnType<typeof startStack>>;
test.beforeAll(async () => {
  test.setTimeout(300_000);
  stack = await startStack({ administrator: ADMINISTRATOR, agent: false, demo: 3 });
});
test.afterAll(() => stack?.stop());

async function signIn(page: Page): Promise<void> {
  await page.goto(`${stack.urls.web}/sign-in`);
  await page.getByLabel('Email').fill(ADMINISTRATOR.email);
  await page.getByLabel('Password').fill(ADMINISTRATOR.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
}

/** Every row that names one of the devices, and there is one, says that it is no real machine. */
async function expectMarked(rows: Locator): Promise<void> {
  const naming = rows.filter({ hasText: /sim-000\d/ });
  await expect(naming.first()).toBeVisible();
  await expect(naming.filter({ hasNotText: 'Simulated' })).toHaveCount(0);
}

test('nobody takes a simulated device for a real one, wherever it is named', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await signIn(page);
  for (const path of ['/devices', '/events', '/agents', '/ledger', '/spend?days=1&group=device']) {
    await page.goto(`${stack.urls.web}${path}`);
    await expectMarked(page.getByRole('main').getByRole('row'));
  }
  await expect(page.getByRole('list', { name: 'Totals' })).toContainText(
    /cost together: all of it simulated/,
  );
});

test('the overview counts what the Watchtower shows, and a state is not as large as a number', async ({
  page,
}) => {
  await signIn(page);
  const numbers = page.getByRole('list', { name: 'Key numbers' });
  const connections = numbers.getByRole('link', { name: /^Live connections/ });
  await expect(numbers.getByRole('link', { name: /^Devices connected/ })).toContainText('3');
  await expect(connections).toContainText(/^Live connections0/);
  await expect(numbers.getByRole('link', { name: /^Spend today/ })).toContainText(/\$\d.*simulated/);
  const sizeOf = (element: Locator) =>
    element.evaluate((node) => Number.parseFloat(getComputedStyle(node).fontSize));
  const state = numbers.getByRole('link', { name: /^Record/ }).getByText(/^(Intact|Not audited)$/);
  const number = connections.getByText('0', { exact: true });
  expect(await sizeOf(state)).toBeLessThanOrEqual((await sizeOf(number)) * 0.75);
  await connections.click();
  await expect(page.getByText('Nothing is connected right now')).toBeVisible();
});
