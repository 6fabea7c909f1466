import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { sealSecret } from '@raypher/vault';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TpmKeyProvider } from '../identity/tpm/tpm-key-provider.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { openDatabase } from '../store/database.ts';
import { Secrets } from '../store/secrets.ts';
import { Vault } from './vault.ts';

const by = { kind: 'user', id: 'ada', name: 'ada' } as const;
const binding = { name: 'prod', provider: 'openai' };
/** Put together here so that it is no key anywhere. */
const value = ['sk', 'proj', 'x'.repeat(30)].join('-');
/** A PCR that a debugger may extend and reset (PC Client Platform TPM Profile): nothing else on a machine uses it. */
const PCR = 16;

describe.skipIf(tpmUnavailable)(`a vault in a TPM ${tpmUnavailable ?? ''}`, { timeout: 30_000 }, () => {
  let folder: string;
  let chip: TestTpm;
  let keys: TpmKeyProvider;
  let vault: Vault;
  let events: EventDraft[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'raypher-vault-tpm-'));
    events = [];
    chip = await TestTpm.start();
    keys = await TpmKeyProvider.create(join(folder, 'tpm.json'), chip.tcti);
    vault = await open(folder, keys, [PCR]);
    await sealValue();
  });
  afterEach(async () => {
    vault.close();
    keys.close();
    await chip.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(at: string, provider: TpmKeyProvider, pcrs: number[] = []): Promise<Vault> {
    return Vault.open({
      path: rootOf(at),
      sealer: provider.sealer,
      secrets: new Secrets(openDatabase(join(at, 'agent.db')).db),
      pcrs,
      record: (event) => events.push(event),
      commit: async (event) => events.push(event),
    });
  }

  function rootOf(at: string): string {
    return join(at, 'vault-root.json');
  }

  async function sealValue(): Promise<void> {
    const { publicKey } = await vault.describe();
    const sealed = await sealSecret(Buffer.from(publicKey, 'base64url'), binding, Buffer.from(value));
    await vault.seal(binding, sealed, by);
  }

  /** The service stops, something happens to the TPM, the service starts again. */
  async function restartAfter(...tool: [string, ...string[]]): Promise<void> {
    vault.close();
    keys.close();
    await chip.tool(...tool);
    keys = await TpmKeyProvider.open(join(folder, 'tpm.json'), chip.tcti);
    vault = await open(folder, keys);
  }

  const change = (digit = '1') => restartAfter('pcrextend', `${PCR}:sha256=${digit.repeat(64)}`);
  const undo = () => restartAfter('pcrreset', String(PCR));

  async function taken(): Promise<string> {
    return Buffer.from(await vault.take(binding)).toString();
  }

  test('does not open in another state, says which PCR and what to do, and opens when the change is undone', async () => {
    await change();
    expect(vault.publicKey).toBeUndefined();
    const before = readFileSync(rootOf(folder));
    const all = [taken(), vault.named('openai'), vault.rebind([], by), vault.describe()];
    await Promise.all(
      all.map((refused) =>
        expect(refused).rejects.toMatchObject({
          code: 'tpm/policy',
          message: expect.stringContaining(`PCR ${PCR} changed`),
          hint: expect.stringMatching(/Undo the change.*vault reset.*vault rebind/),
          details: { changed: [PCR] },
        }),
      ),
    );
    // Told once, and nothing was made anew.
    expect(events.filter(({ type }) => type === 'vault.refused')).toMatchObject([
      { severity: 'critical', data: { code: 'tpm/policy' } },
    ]);
    expect(readFileSync(rootOf(folder))).toEqual(before);
    await undo();
    expect(await taken()).toBe(value);
  });

  test('is kept over a change that was planned, and bound again after it', async () => {
    await vault.rebind([], by);
    await change('1');
    expect(await taken()).toBe(value);
    await vault.rebind([PCR], by);
    expect(await taken()).toBe(value);
    await restartAfter('pcrread', 'sha256:16');
    expect(await taken()).toBe(value);
    // What it is bound to is the state after the change, and no longer the one before.
    await undo();
    expect(vault.fault?.code).toBe('tpm/policy');
    await change('1');
    expect(await taken()).toBe(value);
    await change('2');
    expect(vault.fault?.code).toBe('tpm/policy');
  });

  test('is worthless where it is copied to', async () => {
    vault.close();
    const other = await TestTpm.start();
    const copy = mkdtempSync(join(tmpdir(), 'raypher-vault-copy-'));
    try {
      for (const name of ['agent.db', 'vault-root.json']) copyFileSync(join(folder, name), join(copy, name));
      // With an identity of that machine's own: the one that was copied would be refused before.
      const theirs = await TpmKeyProvider.create(join(copy, 'tpm.json'), other.tcti);
      const copied = await open(copy, theirs);
      expect(copied.fault).toMatchObject({
        code: 'vault/sealed-elsewhere',
        message: expect.stringMatching(/sealed to the TPM [0-9a-f]{16}….*this machine has/),
        hint: expect.stringContaining('vault reset'),
      });
      await expect(copied.take(binding)).rejects.toBeInstanceOf(RaypherError);
      theirs.close();
    } finally {
      await other.stop();
      rmSync(copy, { recursive: true, force: true });
    }
  });

  test('that was reset lies aside, and is back when it is put back', async () => {
    await change();
    const { setAside } = await vault.reset(by);
    expect(await vault.describe()).toMatchObject({ secrets: [], setAside: 1, bound: 'tpm' });
    await undo();
    copyFileSync(setAside ?? '', rootOf(folder));
    await restartAfter('pcrread', 'sha256:16');
    expect(await taken()).toBe(value);
  });
});
