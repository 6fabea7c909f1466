import type { Page } from '@playwright/test';
import { inaccessible } from './axe.ts';
import { expect, test } from './product.ts';
import { setPolicy } from './set-policy.ts';

const POLICY = `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
  rules:
    - id: not-approved
      effect: deny
      destinations: [never.example]
exceptions:
  - id: research-may
    rules: [not-approved]
    agents: { teams: [research] }
    owner: ann@example.com
    reason: Evaluation.
    expires: 2099-01-31T00:00:00Z
`;

async function openPolicies(page: Page, web: string, query = ''): Promise<void> {
  await page.goto(`${web}/policies${query}`);
  await expect(page.getByRole('heading', { level: 1, name: 'Policies' })).toBeVisible();
  await expect(page.getByRole('main')).toContainText('Running: revision');
}

const editor = (page: Page) => page.getByRole('textbox', { name: 'Global policy' });

async function paste(page: Page, name: string, source: string): Promise<void> {
  const box = page.getByRole('textbox', { name });
  await box.click();
  await page.keyboard.press('ControlOrMeta+A');
  await box.evaluate((element, text) => {
    const data = new DataTransfer();
    data.setData('text/plain', text);
    element.dispatchEvent(
      new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
    );
  }, source);
}

test('the editor completes, explains keys, mends a mistake, warns, and lets a keyboard out', async ({
  console: page,
  product,
}) => {
  await setPolicy(product, POLICY, 'Where the test begins.');
  await openPolicies(page, product.stack.urls.web);
  const check = page.getByRole('complementary', { name: 'Check of the policy' });
  await paste(page, 'Global policy', POLICY.replace('default: allow', 'defualt: allow'));
  await expect(check).toContainText('Did you mean default?');
  await page.locator('.cm-lintRange-error').first().hover();
  await page.getByRole('button', { name: 'Write default' }).click();
  await expect(check).toContainText('Valid');

  await page
    .locator('.cm-line', { hasText: /^mode:/ })
    .getByText('mode', { exact: true })
    .hover();
  await expect(page.locator('.cm-schema-docs')).toContainText('monitor records what would have been blocked');

  // A second rule from a snippet that stands where the first one matches already.
  await paste(
    page,
    'Global policy',
    POLICY.replace(
      'exceptions:',
      '    - id: again\n      effect: prompt\n      destinations: [never.example]\nexceptions:',
    ),
  );
  await expect(check.getByRole('list', { name: 'Warnings' })).toContainText('rule `again` never decides');

  await paste(page, 'Global policy', `${POLICY}tools:\n  rules:\n    -`);
  await page.keyboard.press('ControlOrMeta+End');
  await page.keyboard.type(' ');
  await expect(page.getByRole('option', { name: 'rule for tools' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('option')).toHaveCount(0);
  // Tab leaves within two seconds of Escape, which a busy machine may take between two keys.
  await expect(async () => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    await expect(editor(page)).not.toBeFocused({ timeout: 1_000 });
  }).toPass();
  await page.getByRole('button', { name: 'Discard changes' }).click();
});

test('a failing test stands in the way of a deploy until somebody says why; a stage is withdrawn', async ({
  console: page,
  product,
}) => {
  await setPolicy(product, POLICY, 'Where the test begins.');
  await openPolicies(page, product.stack.urls.web, '?view=tests');
  await page.getByRole('button', { name: 'Write the first one' }).click();
  const results = page.getByRole('complementary', { name: 'Results of the tests' });
  await expect(results).toContainText('1 of 1 test failed');
  await expect(results).toContainText('outcome: expected DENY, got ALLOW');

  await page.getByRole('button', { name: 'Deploy Global' }).click();
  const dialog = page.getByRole('dialog', { name: 'Deploy Global' });
  await dialog.getByLabel('Rollout').selectOption('devices');
  // Other tests leave devices of the same name behind.
  await dialog.getByRole('group', { name: 'Devices' }).locator(`input[value="${product.device}"]`).check();
  await dialog.getByLabel('Reason').fill('One device first.');
  await dialog.getByLabel(`Type ${product.organisation.name} to confirm`).fill(product.organisation.name);
  await expect(dialog.getByRole('region', { name: 'What would have changed' })).toContainText(
    /request|event/,
  );
  const button = dialog.getByRole('button', { name: 'Deploy to these devices first' });
  await expect(button).toBeDisabled();
  await dialog.getByLabel('Deploy although tests fail, because').fill('The test is written for next week.');
  await button.click();
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Applied: 1' })).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();

  const stage = page.getByRole('region', { name: 'Staged rollout' });
  await expect(stage).toContainText('1 named device only');
  await stage.getByRole('button', { name: 'Withdraw' }).click();
  const withdraw = page.getByRole('dialog');
  await withdraw.getByLabel('Reason').fill('Only a test.');
  await withdraw.getByRole('button', { name: 'Withdraw it' }).click();
  // The dialog first: as long as it is open, no role behind it is found, whatever is there.
  await expect(withdraw).toBeHidden();
  await expect(stage).toHaveCount(0);

  const { items } = await product.api<{
    items: { action: string; reason: string; after: { overrideTests?: string } }[];
  }>('GET', '/v1/audit');
  const ofPolicies = items.filter(({ action }) => action.startsWith('policy.'));
  expect(ofPolicies.slice(0, 2)).toMatchObject([
    { action: 'policy.withdraw', reason: 'Only a test.' },
    {
      action: 'policy.stage',
      reason: 'One device first.',
      after: { overrideTests: 'The test is written for next week.' },
    },
  ]);
});

for (const [scheme, width] of [
  ['light', 1440],
  ['dark', 390],
] as const) {
  test(`every view of policies is accessible in ${scheme} at ${width} pixels`, async ({
    console: page,
    product,
  }, info) => {
    await setPolicy(product, POLICY, 'Where the test begins.');
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const view of ['edit', 'tests', 'replay', 'exceptions']) {
      await openPolicies(page, product.stack.urls.web, `?view=${view}`);
      if (view === 'replay') {
        await page.getByRole('button', { name: 'Show what would have changed' }).click();
        await expect(page.getByText('What this cannot know')).toBeVisible();
      }
      if (view === 'exceptions') await expect(page.getByRole('table')).toContainText('research-may');
      await expect(page.getByRole('main').locator('[aria-busy="true"]')).toHaveCount(0);
      await info.attach(`${view}-${scheme}-${width}`, {
        body: await page.screenshot(),
        contentType: 'image/png',
      });
      expect.soft(await inaccessible(page, view)).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      expect.soft(overflow, `${view} scrolls sideways`).toBe(false);
    }
  });
}

test('a policy with mistakes is not offered for deployment, and the button says why', async ({
  console: page,
  product,
}) => {
  await setPolicy(product, POLICY, 'Where the test begins.');
  await openPolicies(page, product.stack.urls.web);
  const deploy = page.getByRole('button', { name: 'Deploy Global' });
  await paste(page, 'Global policy', POLICY.replace('default: allow', 'defualt: allow'));
  await expect(deploy).toHaveAccessibleDescription('The policy has 1 mistake. Correct it first.');
  await expect(deploy).toHaveAttribute('aria-disabled', 'true');
  // It can be reached, says so, and does nothing.
  await deploy.focus();
  await expect(page.getByRole('tooltip')).toContainText('Correct it first');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);

  await paste(page, 'Global policy', POLICY.replace('never.example', 'not.example'));
  await expect(deploy).not.toHaveAttribute('aria-disabled');
  await deploy.click();
  await expect(page.getByRole('dialog', { name: 'Deploy Global' })).toBeVisible();
});
