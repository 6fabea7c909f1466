import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LedgerStatus } from '@raypher/shared/rest';
import pg from 'pg';
import { AiAgent } from './ai-agent.ts';
import { type ExportFiles, readZip } from './independent/read-export.ts';
import { verifyExport } from './independent/verify.ts';
import { ownerUrl } from './owner-url.ts';
import { expect, type Product, test } from './product.ts';

const RAYPHER = fileURLToPath(new URL('../../apps/edge-agent/bin/raypher.mjs', import.meta.url));

/** The newest checkpoint, once it covers everything that waits and came before now. */
async function signedRecord({ api }: Product): Promise<LedgerStatus & { vkey: string; note: string }> {
  let status = await api<LedgerStatus>('GET', '/v1/ledger');
  const wanted = Math.max(1, status.size + status.waiting);
  const covered = async () => {
    status = await api<LedgerStatus>('GET', '/v1/ledger');
    return status.checkpoint?.size;
  };
  await expect.poll(covered, { timeout: 60_000 }).toBeGreaterThanOrEqual(wanted);
  const { checkpoint, vkey } = status;
  if (checkpoint === null || vkey === null) throw new Error('The log has a checkpoint and no key.');
  return { ...status, vkey, note: checkpoint.note };
}

async function exportRecord({ stack }: Product, cookies: string): Promise<Buffer> {
  const answer = await fetch(`${stack.urls.web}/v1/ledger/export`, { headers: { cookie: cookies } });
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

/** `raypher verify`, as somebody who has nothing but the file. */
async function raypherVerify(args: string[]): Promise<{ code: number; report: Record<string, unknown> }> {
  const env = { PATH: process.env.PATH, HOME: tmpdir() };
  const run = await promisify(execFile)(process.execPath, [RAYPHER, 'verify', ...args, '--json'], {
    env,
  }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => error,
  );
  return { code: run.code, report: JSON.parse(run.stdout) };
}

/** Changes what is stored as only the owner of the database can, and past every trigger. */
async function tamper<T extends pg.QueryResultRow>(
  product: Product,
  sql: string,
  values: unknown[],
): Promise<T[]> {
  const client = new pg.Client({ connectionString: ownerUrl(product.stack) });
  await client.connect();
  try {
    await client.query('SET session_replication_role = replica');
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

/** One byte of one file is another. */
function changed(files: ExportFiles, path: string): ExportFiles {
  const copy = new Map(files);
  const bytes = Buffer.from(files.get(path) ?? '');
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return copy.set(path, bytes);
}

test.describe('the record', () => {
  let folder: string;
  test.beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'raypher-e2e-ledger-'));
  });
  test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('an export verifies with a program that shares no code with ours, and with ours', async ({
    product,
    session,
  }) => {
    const agent = new AiAgent({ baseUrl: `${product.stack.urls.proxy}/v1` });
    await agent.next(({ ok }) => ok, 0);
    await agent.stop();
    const { vkey, note, size } = await signedRecord(product);
    const cookies = session.map(({ name, value }) => `${name}=${value}`).join('; ');
    const zip = await exportRecord(product, cookies);
    const files = await readZip(zip);

    const verdict = verifyExport(files, vkey, note);
    expect(verdict.faults).toEqual([]);
    expect(verdict.size).toBeGreaterThanOrEqual(size);
    expect(verdict.devices + verdict.control).toBe(verdict.size);
    expect(Math.min(verdict.devices, verdict.control, verdict.checkpoints)).toBeGreaterThan(0);

    // The stranger's program is no rubber stamp: whatever is changed, it says so.
    for (const path of files.keys()) {
      if (/^(manifest\.json|anchors\.ndjson|log\.vkey)$/.test(path)) continue;
      expect(verifyExport(changed(files, path), vkey, note).faults, path).not.toEqual([]);
    }

    const [file, key, since] = ['export.zip', 'log.vkey', 'checkpoint'].map((name) => join(folder, name));
    writeFileSync(file ?? '', zip);
    writeFileSync(key ?? '', `${vkey}\n`);
    writeFileSync(since ?? '', note);
    const ours = await raypherVerify([file ?? '', '--key', key ?? '', '--since', since ?? '']);
    expect(ours).toMatchObject({ code: 0 });
  });

  test('is followed by the device, which keeps a checkpoint that every export must lead to, and says so in it', async ({
    console: page,
    product,
    session,
  }) => {
    const cookies = session.map(({ name, value }) => `${name}=${value}`).join('; ');
    const { vkey } = await signedRecord(product);
    const statements = async () => {
      const files = await readZip(await exportRecord(product, cookies));
      const { statements: found, faults } = verifyExport(files, vkey);
      expect(faults).toEqual([]);
      return found;
    };
    // At the first heartbeat after it connected.
    await expect.poll(statements, { timeout: 60_000, intervals: [1000] }).toBeGreaterThan(0);
    const agent = join(product.stack.dataDir, 'agent');
    const { stdout: kept } = await promisify(execFile)(process.execPath, [
      RAYPHER,
      'checkpoint',
      '--data-dir',
      agent,
    ]);
    const [zip, since] = [join(folder, 'followed.zip'), join(folder, 'kept')];
    writeFileSync(zip, await exportRecord(product, cookies));
    writeFileSync(since, kept);
    const { code, report } = await raypherVerify([zip, '--key', vkey, '--since', since]);
    expect(code).toBe(0);
    // Devices of other tests may have said it as well.
    const { statementDevices } = report.counts as { statementDevices: number }; // as report.ts of packages/ledger has it
    expect(statementDevices).toBeGreaterThan(0);
    // The dashboard says so too, as soon as the device has.
    const followed = async () => (await product.api<LedgerStatus>('GET', '/v1/ledger')).followedUntil;
    await expect.poll(followed, { timeout: 60_000, intervals: [1000] }).toBeGreaterThan(0);
    await page.goto(`${product.stack.urls.web}/ledger`);
    await expect(page.getByLabel('Integrity')).toContainText('your devices');
  });

  test('is browsed, proven entry by entry, and verified in the browser', async ({
    console: page,
    product,
  }) => {
    await signedRecord(product);
    await page.goto(`${product.stack.urls.web}/ledger`);
    // What nobody has looked at is not called intact.
    const audited = (await product.api<LedgerStatus>('GET', '/v1/ledger')).audit.at !== null;
    await expect(page.getByLabel('Integrity')).toContainText(audited ? 'Intact' : 'Not audited');
    await page.getByRole('button', { name: 'Audit the database' }).click();
    await expect(page.getByLabel('Integrity')).toContainText('Intact');
    // The newest are on top; those far below do not exist until somebody scrolls to them.
    const newest = page.getByRole('row', { name: /^Entry \d+$/ }).first();
    await expect(newest).toBeVisible();
    // What is new waits until it is asked for.
    const agent = new AiAgent({ baseUrl: `${product.stack.urls.proxy}/v1` });
    await agent.next(({ ok }) => ok, 0);
    await agent.stop();
    const before = (await newest.getAttribute('aria-label')) ?? '';
    await page.getByRole('button', { name: /^\d+ new$/ }).click();
    await expect(newest).not.toHaveAccessibleName(before);
    await page.getByRole('button', { name: 'Verify in this browser' }).click();
    // Every entry that all tests before have left is looked at.
    await expect(page.getByText(/Verified here: [\d,]+ entries/)).toBeVisible({ timeout: 120_000 });
    await page.goto(`${product.stack.urls.web}/ledger?open=0`);
    await expect(page.getByRole('complementary')).toContainText('Proven here: it is entry 0');
    await page.getByRole('tab', { name: 'Verify offline' }).click();
    await expect(page.getByRole('tabpanel')).toContainText('raypher verify');
  });

  test('an entry that the owner of the database edits is named by the audit and by the browser', async ({
    console: page,
    product,
  }) => {
    await signedRecord(product);
    const [victim] = await tamper<{ seq: string; entry: string; received_on: string }>(
      product,
      `SELECT seq, entry, received_on::text FROM events WHERE device_id = $1 AND position($2 IN entry) > 0
        ORDER BY seq OFFSET 2 LIMIT 1`,
      [product.device, '"severity":"info"'],
    );
    if (victim === undefined) throw new Error('there is no entry to edit');
    const rewrite = (entry: string) =>
      tamper(product, 'UPDATE events SET entry = $1 WHERE device_id = $2 AND seq = $3', [
        entry,
        product.device,
        victim.seq,
      ]);
    try {
      await rewrite(victim.entry.replace('"severity":"info"', '"severity":"warning"'));
      const proof = await product.api<{ index: number }>(
        'GET',
        `/v1/ledger/proof?device=${product.device}&seq=${victim.seq}`,
      );
      await page.goto(`${product.stack.urls.web}/ledger`);
      await page.getByRole('button', { name: 'Audit the database' }).click();
      const banner = page.getByRole('alert', { name: 'The record is corrupted' });
      await expect(banner).toContainText('leaf-mismatch');
      await expect(banner).toContainText(`Entry ${proof.index}`);
      await page.getByRole('button', { name: 'Verify in this browser' }).click();
      await expect(page.getByText(`the first bad entry is number ${proof.index}`)).toBeVisible({
        timeout: 120_000,
      });
      const alerts = async () => {
        const { items } = await product.api<{ items: { kind: string }[] }>('GET', '/v1/alerts?state=open');
        return items.map(({ kind }) => kind);
      };
      await expect.poll(alerts).toContain('ledger.corrupted');
    } finally {
      await rewrite(victim.entry);
    }
    await page.getByRole('button', { name: 'Audit the database' }).click();
    await expect(page.getByLabel('Integrity')).toContainText('Intact');
  });
});
