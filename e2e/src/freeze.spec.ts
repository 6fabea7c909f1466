import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { cpuTicks, standsStillWhile } from './proc.ts';
import { expect, openOverview, type Product, test } from './product.ts';

/** Works without an end, as a busy AI agent does; a line when it has begun. */
const BUSY = "console.log('ready'); for (;;) Math.hypot(Math.random(), Math.random());";

class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'raypher-freeze-'));
  readonly #children: ChildProcess[] = [];

  /** A node process whose project depends on `library`; resolves when it works. */
  async begin(project: string, library: string): Promise<number> {
    const child = this.start(project, library);
    if (child.stdout === null) throw new Error('the process has no output');
    await once(child.stdout, 'data');
    return pidOf(child);
  }

  /** The same, which may be frozen before it works. */
  start(project: string, library: string): ChildProcess {
    const folder = mkdtempSync(join(this.folder, project));
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: project, dependencies: { [library]: '^1.0.0' } }),
    );
    writeFileSync(join(folder, 'agent.mjs'), BUSY);
    const child = spawn(process.execPath, [join(folder, 'agent.mjs')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH },
    });
    this.#children.push(child);
    return child;
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    rmSync(this.folder, { recursive: true });
  }
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the process did not start');
  return pid;
}

async function freezeLibrary(page: Page, library: string): Promise<number> {
  await page.getByRole('link', { name: 'Panic Center' }).click();
  await page.getByRole('button', { name: 'Global Freeze' }).click();
  const dialog = page.getByRole('dialog');
  await dialog
    .getByRole('radio', { name: 'Library' })
    .or(dialog.getByRole('button', { name: 'Library' }))
    .first()
    .click();
  await dialog.getByLabel('Library', { exact: true }).fill(library);
  await dialog.getByLabel('Reason').fill('Compromised release of the library.');
  const clickedAt = Date.now();
  await dialog.getByRole('button', { name: 'Freeze', exact: true }).click();
  return clickedAt;
}

/** Whether the process uses no CPU from now until a neighbour has used 200 ms. */
async function untilFrozen(pid: number, neighbour: number, withinMs: number): Promise<number> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) {
    const since = Date.now();
    if (await standsStillWhile(pid, neighbour)) return since;
  }
  throw new Error(`process ${pid} still runs after ${withinMs} ms`);
}

const agentOf = async (product: Product, pid: number) => {
  const { items } = await product.api<{
    items: { processes: { pid: number; frozen: boolean }[]; evidence: string[]; state: string }[];
  }>('GET', `/v1/agents?device=${product.device}&limit=500`);
  return items.find(({ processes }) => processes.some((process) => process.pid === pid));
};

test('a freeze by library stops the process that has it and no other, survives a restart, catches newcomers, and thaws', async ({
  console: page,
  product,
}) => {
  test.setTimeout(300_000);
  const workshop = new Workshop();
  try {
    const bot = await workshop.begin('bot', 'langchain');
    const neighbour = await workshop.begin('shop', 'express');
    await expect
      .poll(() => agentOf(product, bot))
      .toMatchObject({
        state: 'running',
        evidence: expect.arrayContaining([expect.stringMatching(/package\.json.*langchain/)]),
      });
    expect(await agentOf(product, neighbour)).toBeUndefined();

    await openOverview(page, product);
    const clickedAt = await freezeLibrary(page, 'langchain');
    const frozenAt = await untilFrozen(bot, neighbour, 30_000);
    process.stdout.write(`      ${frozenAt - clickedAt} ms from the click until the process used no CPU\n`);
    // Two processes of this test take all there is of a machine with two cores.
    expect(frozenAt - clickedAt).toBeLessThan(10_000);
    await expect(page.getByRole('dialog').getByRole('button', { name: 'Applied: 1' })).toBeVisible();
    await expect(page.getByRole('dialog')).toContainText('1 processes suspended');
    await expect.poll(() => agentOf(product, bot)).toMatchObject({ state: 'frozen' });

    const agent = product.stack.process('agent');
    agent.kill('SIGKILL');
    await expect.poll(() => agent.pid).toBeUndefined();
    expect(await standsStillWhile(bot, neighbour)).toBe(true);
    await agent.untilUp();
    expect(await standsStillWhile(bot, neighbour)).toBe(true);

    const newcomer = pidOf(workshop.start('newcomer', 'langchain'));
    await expect.poll(() => agentOf(product, newcomer)).toMatchObject({ state: 'frozen' });
    await untilFrozen(newcomer, neighbour, 30_000);
    expect(await standsStillWhile(bot, neighbour)).toBe(true);

    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('button', { name: 'Thaw library langchain' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('A fixed release is out.');
    await page.getByRole('dialog').getByRole('button', { name: 'Thaw' }).click();
    for (const pid of [bot, newcomer]) {
      const before = cpuTicks(pid);
      await expect.poll(() => cpuTicks(pid)).toBeGreaterThan(before);
    }
  } finally {
    await workshop.close();
  }
});
