import { EventType } from '@raypher/shared';
import { AuditAction, ControlKind } from '@raypher/shared/rest';
import { inaccessible } from './axe.ts';
import { expect, openOverview, test } from './product.ts';

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
  const read = () =>
    product.api<{
      live: { processes: number } | null;
      posture: { capability: string; state: string; reason: string }[];
    }>('GET', `/v1/devices/${product.device}`);
  // It tells how it is with its first heartbeat after it connected.
  await expect.poll(async () => (await read()).live?.processes, { timeout: 60_000 }).toBeGreaterThan(10);
  const device = await read();
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

test('the palette finds pages and devices by keyboard alone', async ({ console: page, product }) => {
  await openOverview(page, product);
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

const UNKNOWN = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';

/** A window of 1280 × 800 pixels at a zoom of 200 %. */
const ZOOMED = { width: 640, height: 400 };

test('at a zoom of 200 % nothing is cut off and every table shows its rows', async ({
  console: page,
  product,
}) => {
  await page.setViewportSize(ZOOMED);
  const views = ['edit', 'tests', 'changes', 'replay', 'exceptions', 'revisions'].map(
    (view) => [view, `/policies?view=${view}`] as const,
  );
  const others = [
    ['Device', `/devices/${product.device}`],
    ['Checkpoints', '/ledger?tab=checkpoints'],
    ['Offline', '/ledger?tab=offline'],
  ] as const;
  for (const [name, path] of [...PAGES, ...views, ...others]) {
    await page.goto(`${product.stack.urls.web}${path}`);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.getByRole('main').locator('[aria-busy="true"]')).toHaveCount(0);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect.soft(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
    for (const tab of await page.getByRole('tab').all()) {
      await tab.scrollIntoViewIfNeeded();
      await expect.soft(tab, `${name}: ${await tab.textContent()}`).toBeInViewport({ ratio: 1 });
    }
    for (const row of await page
      .getByRole('grid')
      .getByRole('row')
      .and(page.locator('[data-row="2"]'))
      .all()) {
      await row.scrollIntoViewIfNeeded();
      await expect.soft(row, `a row of ${name}`).toBeInViewport({ ratio: 1 });
    }
  }
});

test('arrow keys keep the row in view, however small the window', async ({ console: page, product }) => {
  await page.setViewportSize(ZOOMED);
  await page.goto(`${product.stack.urls.web}/ledger`);
  await page.getByRole('grid').getByRole('row').nth(1).focus();
  for (const key of [...Array<string>(12).fill('ArrowDown'), 'End', 'Home']) {
    await page.keyboard.press(key);
    await expect(page.locator('[data-row]:focus')).toBeInViewport({ ratio: 1 });
    // Not behind the head of the table either, which stays where it is.
    const covered = () =>
      page.evaluate(() => {
        const box = document.activeElement?.getBoundingClientRect();
        if (box === undefined) return 'nothing has the focus';
        const at = document.elementFromPoint(box.left + box.width / 2, box.top + 3);
        return document.activeElement?.contains(at) === true ? '' : `${at?.textContent}`;
      });
    await expect.poll(covered).toBe('');
  }
});

test('what is not there says so and leads back to the list', async ({ console: page, product }) => {
  for (const [path, title, back, href] of [
    [`/devices/${UNKNOWN}`, 'There is no such device', 'All devices', '/devices'],
    ['/devices/not-an-id', 'There is no such device', 'All devices', '/devices'],
    [`/approvals/${UNKNOWN}`, 'There is no such question', 'All approvals', '/approvals'],
    ['/approvals/not-an-id', 'There is no such question', 'All approvals', '/approvals'],
    ['/no/such/page', 'This page does not exist', 'Go to the overview', '/'],
  ] as const) {
    await page.goto(`${product.stack.urls.web}${path}`);
    await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
    await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
    await expect(page.getByRole('link', { name: back })).toHaveAttribute('href', href);
  }
  await page.goto(`${product.stack.urls.web}/policies?view=revisions&revision=999999`);
  await expect(page.getByRole('heading', { name: 'There is no such revision' })).toBeVisible();
  await page.getByRole('button', { name: 'Show the newest revision' }).click();
  await expect(page.getByRole('heading', { level: 2, name: /^Revision \d+$/ })).toBeVisible();
  for (const [path, panel] of [
    ['/agents?open=nobody', 'AI agent'],
    ['/audit?open=999999999', 'Audit entry'],
  ] as const) {
    await page.goto(`${product.stack.urls.web}${path}`);
    await page
      .getByRole('complementary', { name: panel })
      .getByRole('button', { name: 'Back to the list' })
      .click();
    await expect(page).not.toHaveURL(/open=/);
  }
});

for (const [path, sentence] of [
  ['/events?outcome=MAYBE&severity=critical', '“MAYBE” is not a valid outcome.'],
  ['/incidents?from=yesterday', '“yesterday” is not a valid start of the time.'],
  ['/watchtower?outcome=deny', '“deny” is not a valid outcome.'],
  ['/devices?state=lost', '“lost” is not a valid state.'],
  ['/devices?team=robots', '“robots” is not a valid team.'],
  ['/agents?state=asleep', '“asleep” is not a valid state.'],
  ['/spend?days=8', '“8” is not a valid number of days.'],
] as const) {
  test(`${path} shows nothing as if it were filtered, and says what it cannot read`, async ({
    console: page,
    product,
  }) => {
    await page.goto(`${product.stack.urls.web}${path}`);
    const alert = page.getByRole('main').getByRole('alert');
    await expect(alert).toContainText(sentence);
    await expect(page.getByRole('main').getByRole('row')).toHaveCount(0);
    expect(await inaccessible(page, path)).toEqual([]);
    await alert.getByRole('button', { name: 'Clear this filter' }).click();
    await expect(alert).toHaveCount(0);
    await expect(page.getByRole('main').getByRole('region').or(page.getByRole('grid')).first()).toBeVisible();
    const [, wrong = ''] = /[?](?<name>[a-z]+)=/.exec(path) ?? [];
    await expect(page).not.toHaveURL(new RegExp(`[?&]${wrong}=`));
  });
}

test('codes of the record are told in words, with the code in the details', async ({
  console: page,
  product,
}) => {
  for (const path of ['/audit', '/ledger', '/events']) {
    await page.goto(`${product.stack.urls.web}${path}`);
    const rows = page.getByRole('main').getByRole('row');
    await expect(rows.nth(1)).toBeVisible();
    const cells = await page.getByRole('gridcell').allTextContents();
    const codes = new Set<string>([...EventType.options, ...AuditAction.options, ...ControlKind.options]);
    expect(cells.filter((text) => codes.has(text))).toEqual([]);
  }
  await page.goto(`${product.stack.urls.web}/audit`);
  await page
    .getByRole('row', { name: /Device enrolled/ })
    .first()
    .click();
  const panel = page.getByRole('complementary', { name: 'Device enrolled' });
  await expect(panel).toContainText('device.enrol');
});

test('new events wait beside the table: they cover nothing and move nothing', async ({
  console: page,
  product,
}) => {
  const grid = page.getByRole('grid', { name: 'Events' });
  const first = grid.getByRole('row').nth(1);
  const pill = page.getByRole('button', { name: /new$/i });
  // The device may have something to tell by itself: it is begun in a moment in which it has not.
  await expect(async () => {
    await page.goto(`${product.stack.urls.web}/events?live=paused`);
    await expect(first).toBeVisible();
    await expect(page.getByRole('button', { name: /^Live connection: Live/ })).toBeVisible();
    await expect(pill).toHaveCount(0, { timeout: 1_000 });
  }).toPass();
  const before = { row: await first.textContent(), box: await first.boundingBox() };
  await product.api('POST', `/v1/devices/${product.device}/commands`, {
    verb: 'scan',
    arguments: {},
    reason: 'Something new for the list.',
  });
  await expect(pill).toBeVisible();
  expect({ row: await first.textContent(), box: await first.boundingBox() }).toEqual(before);
  const [over, table] = [await pill.boundingBox(), await grid.boundingBox()];
  expect((over?.y ?? 0) + (over?.height ?? 0)).toBeLessThanOrEqual(table?.y ?? 0);
  await pill.click();
  await expect(pill).toHaveCount(0);
  await expect(first).not.toHaveText(before.row ?? '');
  expect((await first.boundingBox())?.y).toBe(before.box?.y);
});

test('names and states of the posture stand beside each other', async ({ console: page, product }) => {
  for (const width of [1280, 1440, 640, 360]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(`${product.stack.urls.web}/devices/${product.device}`);
    const items = page.getByRole('list', { name: 'Posture' }).getByRole('listitem');
    await expect(items.first()).toBeVisible();
    const overlaps = await items.evaluateAll((elements) =>
      elements.flatMap((element) => {
        const range = document.createRange();
        const [words, badge] = [element.firstElementChild, element.lastElementChild];
        if (words === null || badge === null) return ['no name or no state'];
        range.selectNodeContents(words);
        const right = Math.max(...[...range.getClientRects()].map((box) => box.right));
        return right <= badge.getBoundingClientRect().left ? [] : [element.textContent];
      }),
    );
    expect(overlaps, `at ${width} pixels`).toEqual([]);
  }
});

for (const { width, covers } of [
  { width: 1280, covers: false },
  { width: 640, covers: true },
]) {
  test(`at ${width} pixels a panel gives the focus back to its row${covers ? ', and covers nothing that can be reached' : ''}`, async ({
    console: page,
    product,
  }) => {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(`${product.stack.urls.web}/audit`);
    const row = page.getByRole('grid').locator('[data-row="0"]');
    await row.focus();
    await page.keyboard.press('Enter');
    const panel = page.getByRole('complementary').filter({ has: page.getByText('Before and after') });
    await expect(panel).toBeVisible();
    expect(await inaccessible(page, 'a panel')).toEqual([]);
    await expect(page.locator('[inert]').locator('[data-row="0"]')).toHaveCount(covers ? 1 : 0);
    await panel.getByRole('button', { name: 'Close panel' }).focus();
    await page.keyboard.press('Escape');
    await expect(panel).toHaveCount(0);
    await expect(row).toBeFocused();
  });
}
