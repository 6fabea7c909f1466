import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deriveVaultKey, sealSecret } from '@raypher/vault';
import { expect, test } from 'vitest';
import { FileSealer } from '../identity/file-sealer.ts';
import { Ledger, NOBODY, readEntry } from '../ledger/ledger.ts';
import { openDatabase } from '../store/database.ts';
import { EventLog } from '../store/event-log.ts';
import { Secrets } from '../store/secrets.ts';
import { Vault } from './vault.ts';

const by = { kind: 'user', id: 'ada', name: 'ada' } as const;

test('a key is shown only after that is on disk, and not at all on a disk that takes no record of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-vault-'));
  const { db } = openDatabase(join(folder, 'agent.db'));
  const log = new EventLog(db);
  const ledger = new Ledger(log, NOBODY);
  const vault = await Vault.open({
    path: join(folder, 'vault', 'root.json'),
    sealer: new FileSealer(join(folder, 'sealer.key')),
    secrets: new Secrets(db),
    pcrs: [],
    record: (event) => ledger.note(event),
    commit: (event) => ledger.record(event),
  });
  const binding = { name: 'prod', provider: 'openai' };
  const { publicKey } = await vault.describe();
  const value = Buffer.from('x'.repeat(30));
  await vault.seal(binding, await sealSecret(Buffer.from(publicKey, 'base64url'), binding, value), by);
  const mine = await deriveVaultKey(Buffer.alloc(32, 7));

  await vault.unseal('prod', mine.publicKey, by);
  expect(readEntry(log.latest(1)[0]?.entry ?? Buffer.alloc(0))).toMatchObject({ type: 'vault.unsealed' });

  // Never smaller than the file is: full with the next page.
  db.exec('PRAGMA max_page_count = 1');
  const fill = async (): Promise<void> => {
    for (;;) {
      await ledger.record({
        type: 'agent.started',
        severity: 'info',
        actor: by,
        action: 'fill',
        target: 'x'.repeat(500),
        data: {},
      });
    }
  };
  await expect(fill()).rejects.toMatchObject({ code: 'store/full' });
  await expect(vault.unseal('prod', mine.publicKey, by)).rejects.toMatchObject({ code: 'store/full' });
  vault.close();
});
