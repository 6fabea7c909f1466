import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCredential } from '@raypher/shared/attestation';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Tpm } from '../../native/tss2.ts';
import { nameOf } from '../../native/tss2-objects.ts';
import { openDeviceKey } from './signing-keys.ts';
import { TpmKeyProvider } from './tpm-key-provider.ts';

describe.skipIf(tpmUnavailable)(
  `the connection that an identity keeps ${tpmUnavailable ?? ''}`,
  { timeout: 30_000 },
  () => {
    let folder: string;
    let path: string;
    let chip: TestTpm;
    const chips: TestTpm[] = [];
    const providers: TpmKeyProvider[] = [];

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'raypher-held-tpm-'));
      path = join(folder, 'tpm.json');
      chip = await TestTpm.start();
      chips.push(chip);
    });
    afterEach(async () => {
      for (const provider of providers.splice(0)) provider.close();
      await Promise.all(chips.splice(0).map((each) => each.stop()));
      rmSync(folder, { recursive: true, force: true });
    });

    async function create(file = path, at = chip): Promise<TpmKeyProvider> {
      const provider = await TpmKeyProvider.create(file, at.tcti);
      providers.push(provider);
      return provider;
    }

    async function createElsewhere(): Promise<TpmKeyProvider> {
      const other = await TestTpm.start();
      chips.push(other);
      return create(join(folder, 'other.json'), other);
    }

    async function open(): Promise<TpmKeyProvider> {
      const provider = await TpmKeyProvider.open(path, chip.tcti);
      providers.push(provider);
      return provider;
    }

    async function signs(provider: TpmKeyProvider): Promise<boolean> {
      const key = createPublicKey({ key: provider.publicKey, format: 'der', type: 'spki' });
      return verify('sha256', Buffer.from('a batch'), key, await provider.sign(Buffer.from('a batch')));
    }

    test('connects again when the connection was lost', async () => {
      const provider = await create();
      await chip.powerCycle();
      expect(await signs(provider)).toBe(true);
      await chip.powerCycle();
      expect(provider.sealer.unseal(provider.sealer.seal(Buffer.from('secret'), [16]))).toEqual(
        Buffer.from('secret'),
      );
    });

    test('says that there is no TPM while there is none, and goes on when it is back', async () => {
      const provider = await create();
      await chip.powerOff();
      await expect(provider.sign(Buffer.from('a batch'))).rejects.toThrowError(
        expect.objectContaining({ code: 'tpm/absent' }),
      );
      await chip.powerCycle();
      expect(await signs(provider)).toBe(true);
    });

    test('does not go on with another TPM that took the place of the first', async () => {
      const provider = await create();
      await chip.replace();
      await expect(provider.sign(Buffer.from('a batch'))).rejects.toThrowError(
        expect.objectContaining({ code: 'device/other-machine' }),
      );
    });

    test('says that the TPM is locked out, and what to do', async () => {
      await create();
      providers.pop()?.close();
      await chip.tool('dictionarylockout', '--setup-parameters', '--max-tries=1', '--recovery-time=1000');
      await chip.tool('createprimary', '-C', 'o', '-G', 'ecc', '-p', 'right', '-c', 'key.ctx');
      await expect(chip.tool('create', '-C', 'key.ctx', '-P', 'wrong', '-G', 'ecc')).rejects.toThrowError();
      await chip.tool('flushcontext', '-t');
      const provider = await open();
      await expect(provider.sign(Buffer.from('x'))).rejects.toThrowError(
        expect.objectContaining({ code: 'tpm/locked-out', hint: expect.stringContaining('lockout') }),
      );
      // What is sealed has no password that could be guessed: it stays open to this machine.
      expect(provider.sealer.unseal(provider.sealer.seal(Buffer.from('secret'), []))).toEqual(
        Buffer.from('secret'),
      );
    });

    test('uses nothing after it was closed', async () => {
      const provider = await create();
      provider.close();
      provider.close();
      await expect(provider.sign(Buffer.from('x'))).rejects.toThrowError(/closed/);
      expect(await chip.tool('getcap', 'handles-transient')).toBe('');
    });

    test('goes on after agents that were killed had left its key in every slot', async () => {
      await create();
      providers.pop()?.close();
      const unique = Buffer.from(JSON.parse(readFileSync(path, 'utf8')).unique, 'base64');
      const tpm = Tpm.open(chip.tcti);
      // What is not given back is what a killed process leaves behind: nobody else tells the simulator.
      const left = [openDeviceKey(tpm, unique), openDeviceKey(tpm, unique), openDeviceKey(tpm, unique)];
      expect(left).toHaveLength(3);
      tpm[Symbol.dispose]();
      const provider = await open();
      expect(await signs(provider)).toBe(true);
      provider.attester.certify(randomBytes(32));
      provider.close();
      expect(await chip.tool('getcap', 'handles-transient')).toBe('');
    });

    test('does not free slots that somebody else uses', async () => {
      await create();
      providers.pop()?.close();
      using tpm = Tpm.open(chip.tcti);
      using _first = openDeviceKey(tpm, randomBytes(32));
      using _second = openDeviceKey(tpm, randomBytes(32));
      using third = openDeviceKey(tpm, randomBytes(32));
      await expect(open()).rejects.toThrowError(
        expect.objectContaining({ code: 'tpm/unavailable', message: expect.stringContaining('slots') }),
      );
      expect(nameOf(tpm, third)).toHaveLength(34);
    });

    test('two hundred mixed uses, refused ones among them, take two slots of three and leave none', async () => {
      const provider = await create();
      const stranger = makeCredential(
        Buffer.from((await createElsewhere()).attester.evidence().endorsementKey, 'base64'),
        randomBytes(34),
        randomBytes(32),
      );
      const sealed = provider.sealer.seal(Buffer.from('secret'), [16]);
      const foreign = providers.at(-1)?.sealer.seal(Buffer.from('secret'), []) ?? Buffer.alloc(0);
      for (let round = 0; round < 25; round += 1) {
        const nonce = randomBytes(32);
        expect(await signs(provider)).toBe(true);
        provider.attester.quote(nonce, [0, 7]);
        provider.attester.certify(nonce);
        provider.attester.evidence();
        provider.sealer.seal(nonce, round % 2 === 0 ? [] : [7, 16]);
        expect(provider.sealer.unseal(sealed)).toEqual(Buffer.from('secret'));
        expect(() => provider.sealer.unseal(foreign)).toThrowError(/sealed to the TPM/);
        expect(() => provider.attester.activate(stranger)).toThrowError();
      }
      provider.close();
      expect(await chip.tool('getcap', 'handles-transient')).toBe('');
      expect(await chip.tool('getcap', 'handles-loaded-session')).toBe('');
    }, 60_000);
  },
);
