import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testEvent } from '@raypher/ocsf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileSender } from './file-sender.ts';
import { finished } from './outgoing.ts';

const ORGANISATION = '6d9f2f6e-0c53-4c1f-9f0a-1f3f6c0a0001';
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'raypher-export-'));
});
afterEach(() => rm(directory, { recursive: true }));

const event = (index: number) => finished(index, 'info', testEvent(ORGANISATION, String(index), new Date(0)));
const uids = async (file: string) =>
  (await readFile(join(directory, file), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).entity.uid);

describe('the file of an organisation', () => {
  it('is set aside before it gets too large, named by the entry that the next one begins with', async () => {
    const most = event(0).json.length * 2 + 10;
    const sender = new FileSender(directory, ORGANISATION, most);
    for (const index of [0, 1, 2, 3, 4]) await sender.send([event(index)]);
    await sender.close();
    const aside = (index: number) => `${ORGANISATION}.before-${String(index).padStart(16, '0')}.ndjson`;
    expect((await readdir(directory)).sort()).toEqual([aside(2), aside(4), `${ORGANISATION}.ndjson`].sort());
    expect(await uids(aside(2))).toEqual(['0', '1']);
    expect(await uids(aside(4))).toEqual(['2', '3']);
    expect(await uids(`${ORGANISATION}.ndjson`)).toEqual(['4']);
  });

  it('never takes the place of one that was set aside before', async () => {
    const most = event(0).json.length + 10;
    for (let time = 0; time < 2; time += 1) {
      const sender = new FileSender(directory, ORGANISATION, most);
      for (const index of [0, 1]) await sender.send([event(index)]);
      await sender.close();
    }
    const aside = (await readdir(directory)).filter((name) => name.includes('.before-'));
    expect((await Promise.all(aside.map(uids))).sort()).toEqual([['0'], ['0'], ['1']]);
  });

  it("is its owner's alone, and not written through a link", async () => {
    const sender = new FileSender(directory, ORGANISATION);
    await sender.send([event(0)]);
    await sender.close();
    const file = join(directory, `${ORGANISATION}.ndjson`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await rm(file);
    await writeFile(join(directory, 'elsewhere'), 'kept\n');
    await symlink(join(directory, 'elsewhere'), file);
    await expect(new FileSender(directory, ORGANISATION).send([event(1)])).rejects.toThrow(/ELOOP/);
    expect(await readFile(join(directory, 'elsewhere'), 'utf8')).toBe('kept\n');
  });

  it('loses only what has no end of line', async () => {
    const file = join(directory, `${ORGANISATION}.ndjson`);
    await writeFile(file, `${event(0).json}\n${'x'.repeat(200_000)}`);
    const sender = new FileSender(directory, ORGANISATION);
    await sender.send([event(1)]);
    await sender.close();
    expect(await uids(`${ORGANISATION}.ndjson`)).toEqual(['0', '1']);
  });
});
