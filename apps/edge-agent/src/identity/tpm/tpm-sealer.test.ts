import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sized } from '@raypher/shared/attestation';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeSealed, encodeSealed } from './sealed-blob.ts';
import { TpmKeyProvider } from './tpm-key-provider.ts';

describe.skipIf(tpmUnavailable)(
  `what is sealed to a TPM ${tpmUnavailable ?? ''}`,
  { timeout: 30_000 },
  () => {
    let folder: string;
    let chip: TestTpm;
    let provider: TpmKeyProvider;
    const secret = randomBytes(32);
    const others: TestTpm[] = [];

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'raypher-sealer-'));
      chip = await TestTpm.start();
      provider = await TpmKeyProvider.create(path(), chip.tcti);
    });
    afterEach(async () => {
      provider?.close();
      await Promise.all([chip, ...others.splice(0)].map((each) => each?.stop()));
      rmSync(folder, { recursive: true, force: true });
    });

    function path(name = 'tpm.json'): string {
      return join(folder, name);
    }

    /** Makes a storage key with the standard's template, by tools that are not ours. @returns the file of its context */
    async function standardKey(): Promise<string> {
      const attributes = [
        'fixedtpm',
        'fixedparent',
        'sensitivedataorigin',
        'userwithauth',
        'noda',
        'restricted',
        'decrypt',
      ];
      // Two coordinates as the tools have them in memory: a size, and room for 128 bytes.
      const coordinate = Buffer.concat([Buffer.from([32, 0]), Buffer.alloc(128)]);
      writeFileSync(chip.file('unique'), Buffer.concat([coordinate, coordinate]));
      const template = ['-G', 'ecc256:aes128cfb', '-a', attributes.join('|'), '-u', 'unique'];
      await chip.tool('createprimary', '-C', 'o', ...template, '-c', 'standard.ctx');
      await chip.tool('flushcontext', '-t');
      return 'standard.ctx';
    }

    /** The tools need the three slots, so ours lets go of its own meanwhile. */
    async function meanwhile<T>(work: () => Promise<T>): Promise<T> {
      provider.close();
      const result = await work();
      provider = await TpmKeyProvider.open(path(), chip.tcti);
      return result;
    }

    test.each([
      ['no PCRs', []],
      ['one PCR', [16]],
      ['more PCRs than a TPM reads at once', [23, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ])('is unsealed with %s, also after a power cycle', async (_, pcrs) => {
      const blob = provider.sealer.seal(secret, pcrs);
      expect(provider.sealer.unseal(blob)).toEqual(secret);
      await chip.powerCycle();
      expect(provider.sealer.unseal(blob)).toEqual(secret);
      expect(blob.includes(secret)).toBe(false);
    });

    test('never crosses the bus in the clear, in either direction', async () => {
      const blob = provider.sealer.seal(secret, []);
      expect(provider.sealer.unseal(blob)).toEqual(secret);
      const seen = chip.traffic();
      expect(seen.includes(decodeSealed(blob).publicArea)).toBe(true);
      expect(seen.includes(secret)).toBe(false);
    });

    test('would cross the bus in the clear without our session: the same data, unsealed by others', async () => {
      const blob = decodeSealed(provider.sealer.seal(secret, []));
      writeFileSync(chip.file('sealed.pub'), sized(blob.publicArea));
      writeFileSync(chip.file('sealed.priv'), sized(blob.privateArea));
      await meanwhile(async () => {
        const parent = await standardKey();
        const parts = ['-u', 'sealed.pub', '-r', 'sealed.priv'];
        await chip.tool('load', '-C', parent, ...parts, '-c', 'sealed.ctx');
        await chip.tool('flushcontext', '-t');
        await chip.tool('startauthsession', '--policy-session', '-S', 'policy.ctx');
        await chip.tool('policycommandcode', '-S', 'policy.ctx', 'TPM2_CC_Unseal');
        await chip.tool('unseal', '-c', 'sealed.ctx', '-p', 'session:policy.ctx', '-o', 'unsealed');
        await chip.tool('flushcontext', '-t');
        await chip.tool('flushcontext', 'policy.ctx');
      });
      expect(chip.traffic().includes(secret)).toBe(true);
    });

    test('stays sealed when PCRs have changed, says which, and opens when they are as they were', async () => {
      const blob = provider.sealer.seal(secret, [7, 16, 23]);
      const event = createHash('sha256').update('another kernel').digest('hex');
      await meanwhile(() => chip.tool('pcrextend', `16:sha256=${event}`));
      expect(() => provider.sealer.unseal(blob)).toThrowError(
        expect.objectContaining({
          code: 'tpm/policy',
          message: expect.stringContaining('PCR 16'),
          details: { changed: [16] },
          hint: expect.stringMatching(/raypher vault reset.*raypher vault rebind/),
        }),
      );
      await meanwhile(() => chip.tool('pcrreset', '16'));
      expect(provider.sealer.unseal(blob)).toEqual(secret);
    });

    test('stays sealed for whoever claims that PCRs are as they were: the TPM itself looks', async () => {
      const blob = decodeSealed(provider.sealer.seal(secret, [16]));
      const event = createHash('sha256').update('another kernel').digest();
      await meanwhile(() => chip.tool('pcrextend', `16:sha256=${event.toString('hex')}`));
      const now = createHash('sha256')
        .update(Buffer.concat([Buffer.alloc(32), event]))
        .digest();
      const forged = encodeSealed({ ...blob, pcrs: new Map([[16, now]]) });
      expect(() => provider.sealer.unseal(forged)).toThrowError(
        expect.objectContaining({ code: 'tpm/policy' }),
      );
      const unbound = encodeSealed({ ...blob, pcrs: new Map() });
      expect(() => provider.sealer.unseal(unbound)).toThrowError(
        expect.objectContaining({ code: 'tpm/policy' }),
      );
    });

    test('is worthless to another TPM, which says whose it is', async () => {
      const blob = provider.sealer.seal(secret, []);
      const other = await TestTpm.start();
      others.push(other);
      const theirs = await TpmKeyProvider.create(path('other.json'), other.tcti);
      try {
        const expected = expect.objectContaining({
          code: 'vault/sealed-elsewhere',
          message: expect.stringMatching(/sealed to the TPM [0-9a-f]{16}…; this machine has [0-9a-f]{16}…/),
          hint: expect.stringContaining('raypher vault reset'),
        });
        expect(() => theirs.sealer.unseal(blob)).toThrowError(expected);
        // Made to look like theirs, it is data that their TPM does not recognise.
        const model = decodeSealed(theirs.sealer.seal(randomBytes(32), []));
        const disguised = encodeSealed({
          ...decodeSealed(blob),
          parent: model.parent,
          fingerprint: model.fingerprint,
        });
        expect(() => theirs.sealer.unseal(disguised)).toThrowError(
          expect.objectContaining({ code: 'vault/damaged' }),
        );
      } finally {
        theirs.close();
      }
    });

    test('is lost when the TPM is cleared, and that is what it says', async () => {
      const blob = provider.sealer.seal(secret, []);
      await meanwhile(() => chip.tool('clear', '-c', 'p'));
      expect(() => provider.sealer.unseal(blob)).toThrowError(
        expect.objectContaining({
          code: 'vault/sealed-elsewhere',
          message: expect.stringContaining('was cleared'),
        }),
      );
    });

    test('is not taken for intact with any one byte changed, missing or added', () => {
      const blob = provider.sealer.seal(secret, [16]);
      for (let at = 0; at < blob.length; at += 1) {
        const changed = Buffer.from(blob);
        changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
        for (const wrong of [changed, blob.subarray(0, at)]) {
          expect(() => provider.sealer.unseal(wrong)).toThrowError(
            expect.objectContaining({ code: 'vault/damaged' }),
          );
        }
      }
      expect(() => provider.sealer.unseal(Buffer.concat([blob, Buffer.alloc(1)]))).toThrowError(/damaged/);
    });

    test('is not taken for intact by the TPM when only the checksum was mended', () => {
      const blob = decodeSealed(provider.sealer.seal(secret, []));
      blob.privateArea.writeUInt8(blob.privateArea.readUInt8(40) ^ 1, 40);
      expect(() => provider.sealer.unseal(encodeSealed(blob))).toThrowError(
        expect.objectContaining({ code: 'vault/damaged' }),
      );
    });

    test('finds its parent at the usual handle, and when somebody puts another key there', async () => {
      const blob = provider.sealer.seal(secret, []);
      await meanwhile(async () => {
        await chip.tool('evictcontrol', '-C', 'o', '-c', await standardKey(), '0x81000001');
        await chip.tool('flushcontext', '-t');
      });
      const before = primaryKeysMade();
      expect(provider.sealer.unseal(blob)).toEqual(secret);
      expect(primaryKeysMade() - before).toBe(0);
      await meanwhile(async () => {
        await chip.tool('evictcontrol', '-C', 'o', '-c', '0x81000001');
        await chip.tool('createprimary', '-C', 'o', '-G', 'rsa', '-c', 'rsa.ctx');
        await chip.tool('evictcontrol', '-C', 'o', '-c', 'rsa.ctx', '0x81000001');
        await chip.tool('flushcontext', '-t');
      });
      expect(provider.sealer.unseal(blob)).toEqual(secret);
      expect(provider.sealer.unseal(provider.sealer.seal(secret, []))).toEqual(secret);
    });

    /** How often TPM2_CreatePrimary (0x131) was asked for. */
    function primaryKeysMade(): number {
      return (
        chip
          .traffic()
          .toString('hex')
          .match(/8002.{8}00000131/g)?.length ?? 0
      );
    }

    test('is at most 64 bytes, and bound to PCRs that exist', () => {
      const most = randomBytes(64);
      expect(provider.sealer.unseal(provider.sealer.seal(most, []))).toEqual(most);
      for (const wrong of [
        () => provider.sealer.seal(randomBytes(65), []),
        () => provider.sealer.seal(Buffer.alloc(0), []),
        () => provider.sealer.seal(secret, [24]),
        () => provider.sealer.seal(secret, [-1]),
        () => provider.sealer.seal(secret, [1.5]),
      ]) {
        expect(wrong).toThrowError(expect.objectContaining({ code: 'request/invalid' }));
      }
    });

    test('is not possible where the owner of the TPM has set a password, and says what to do', async () => {
      await meanwhile(() => chip.tool('changeauth', '-c', 'owner', 'a password'));
      expect(() => provider.sealer.seal(secret, [])).toThrowError(
        expect.objectContaining({ code: 'tpm/permission' }),
      );
    });
  },
);
