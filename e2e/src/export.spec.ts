import { expect, test } from './product.ts';

const NAME = 'Splunk of the test';

test('an administrator adds a destination, tries it, sees why nothing gets there, and takes it away', async ({
  console: page,
  product,
}) => {
  const token = ['hec', 'token', 'of', 'a', 'test'].join('-');
  await page.goto(`${product.stack.urls.web}/settings?tab=export`);
  const main = page.getByRole('main');
  await expect(main.getByRole('heading', { name: 'The log is sent nowhere yet' })).toBeVisible();
  await main.getByRole('button', { name: 'Add a destination' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(NAME);
  // An address of this machine: the operator of this product has named no range of the own network.
  await dialog.getByLabel('Address').fill('https://127.0.0.1:8088');
  await dialog.getByLabel('Token').fill(token);
  await dialog.getByLabel('Begins with').selectOption('beginning');
  await dialog.getByLabel('Reason').fill('The security team watches it there');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(dialog).toBeHidden();
  const row = main.getByRole('row', { name: new RegExp(NAME) });
  await expect(row).toBeVisible();
  await row.getByRole('button', { name: 'Test' }).click();
  await expect(page.getByText(`${NAME} did not take it`, { exact: true })).toBeVisible();
  await expect(page.getByText('127.0.0.1 is loopback, not on the public internet').first()).toBeVisible();
  await row.getByRole('button', { name: 'Rewind' }).click();
  await expect(dialog.getByLabel('Place in the log')).toBeVisible();
  await page.keyboard.press('Escape');
  const { items } = await product.api<{ items: { name: string }[] }>('GET', '/v1/export/destinations');
  expect(items).toMatchObject([{ name: NAME, kind: 'splunk-hec' }]);
  expect(JSON.stringify(items)).not.toContain(token);
  await row.getByRole('button', { name: 'Remove' }).click();
  await expect(main.getByRole('heading', { name: 'The log is sent nowhere yet' })).toBeVisible();
});
