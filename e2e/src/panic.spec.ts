import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { ForensicKeyFile, openSnapshot, readForensicKey } from '@raypher/vault';
import { expect, type Product, test } from './product.ts';

interface Agents {
  items: { id: string; name: string; state: string }[];
}
interface Commands {
  items: { verb: string; panic: { snapshot: { sha256: string } | null } | null }[];
}

interface Events {
  items: { seq: number }[];
}

async function expectAccessible(page: Page, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
    .analyze();
  expect
    .soft(violations.map(({ id, nodes }) => `${where} ${id}: ${nodes.map(({ html }) => html)}`))
    .toEqual([]);
}

/** Makes the organisation's key in the browser, as a person does. */
async function makeForensicKey(page: Page, product: Product): Promise<ForensicKeyFile> {
  await page.goto(`${product.stack.urls.web}/settings?tab=forensics`);
  await page.getByRole('button', { name: 'Make a key' }).click();
  const dialog = page.getByRole('dialog');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Download the key' }).click(),
  ]);
  await dialog.getByLabel('Reason').fill('First key of the security team.');
  await dialog.getByLabel(`Type ${product.organisation.name} to confirm`).fill(product.organisation.name);
  await expectAccessible(page, 'making a key');
  await dialog.getByRole('button', { name: 'Put in force' }).click();
  const file = ForensicKeyFile.parse(JSON.parse(readFileSync(await download.path(), 'utf8')));
  await expect(page.getByRole('main')).toContainText(file.publicKey);
  return file;
}

test('a panic ends one AI agent at once, and only the organisation opens what it leaves', async ({
  console: page,
  product,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-panic-'));
  const name = `rogue-${process.pid}.mjs`;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies: { langchain: '^1.0.0' } }));
  writeFileSync(join(folder, name), "console.log('ready'); setInterval(() => {}, 1000);");
  const child = spawn(process.execPath, [join(folder, name)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  const ended = once(child, 'exit');
  try {
    if (child.stdout === null) throw new Error('the process did not start');
    await once(child.stdout, 'data');
    const key = await makeForensicKey(page, product);
    const running = async () => {
      const { items } = await product.api<Agents>('GET', `/v1/agents?device=${product.device}&limit=500`);
      return items.find((agent) => agent.name === name && agent.state === 'running');
    };
    await expect.poll(running).toBeDefined();

    await page.goto(`${product.stack.urls.web}/agents?q=${name}`);
    await page.getByRole('row', { name: new RegExp(name) }).click();
    await page.getByRole('button', { name: 'Panic' }).click();
    const dialog = page.getByRole('dialog', { name: `Panic: ${name}` });
    await expect(dialog.getByRole('region', { name: 'Blast radius' })).toContainText(hostname());
    const stop = dialog.getByRole('button', { name: 'Stop now' });
    await expect(stop).toBeDisabled();
    await dialog.getByLabel('Reason').fill('Sends files to a stranger.');
    await expectAccessible(page, 'a panic');
    const clickedAt = Date.now();
    await stop.click();
    expect(await ended).toEqual([null, 'SIGKILL']);
    process.stdout.write(`      ${Date.now() - clickedAt} ms from the click until the process was dead\n`);
    expect(Date.now() - clickedAt).toBeLessThan(10_000);
    await expect(dialog).toContainText('1 process');
    await expect(dialog).toContainText(`the organisation, key ${key.keyId}`);
    await expectAccessible(page, 'what a panic did');

    const { items } = await product.api<Commands>('GET', `/v1/devices/${product.device}/commands`);
    const sha256 = items.find(({ verb }) => verb === 'panic')?.panic?.snapshot?.sha256;
    const events = `/v1/events?device=${product.device}&type=panic.finished`;
    const find = async () => (await product.api<Events>('GET', events)).items[0]?.seq;
    await expect.poll(find).toBeDefined();
    const { entry } = await product.api<{ entry: string }>(
      'GET',
      `/v1/events/${product.device}/${await find()}`,
    );
    const { data } = JSON.parse(entry);
    expect(data).toMatchObject({ snapshot: sha256, reason: 'Sends files to a stranger.', processes: 1 });
    const sealed = readFileSync(join(product.stack.dataDir, 'agent', 'panics', `${data.panic}.snapshot`));
    const { content } = await openSnapshot(await readForensicKey(key), sealed);
    expect(Buffer.from(content).includes(name)).toBe(true);

    // All of a device is asked for twice; here it is only looked at.
    await page.goto(`${product.stack.urls.web}/devices/${product.device}`);
    await page.getByRole('button', { name: 'Panic' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('Everything on it is out of hand.');
    await expect(page.getByRole('dialog').getByRole('button', { name: 'Stop now' })).toBeDisabled();
    await expect(page.getByRole('dialog')).toContainText(`Type ${hostname()} to confirm`);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
