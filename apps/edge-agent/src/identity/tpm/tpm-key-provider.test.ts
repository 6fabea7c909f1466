import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  keyName,
  makeCredential,
  parsePublicKey,
  verifyCertification,
  verifyQuote,
} from '@raypher/shared/attestation';
import { TpmEvidence } from '@raypher/shared/rest';
import { TestTpm, type TestTpmOptions, tpmUnavailable } from '@raypher/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Tpm } from '../../native/tss2.ts';
import { TestAuthority } from '../../testing/test-authority.ts';
import { openDeviceKey } from './signing-keys.ts';
import { TpmKeyProvider } from './tpm-key-provider.ts';

describe.skipIf(tpmUnavailable)(`an identity in a TPM ${tpmUnavailable ?? ''}`, { timeout: 30_000 }, () => {
  let folder: string;
  let path: string;
  let chip: TestTpm;
  const chips: TestTpm[] = [];
  const providers: TpmKeyProvider[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'raypher-tpm-identity-'));
    path = join(folder, 'identity', 'tpm.json');
    chip = await plugIn();
  });
  afterEach(async () => {
    for (const provider of providers.splice(0)) provider.close();
    await Promise.all(chips.splice(0).map((each) => each.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function plugIn(options: TestTpmOptions = {}): Promise<TestTpm> {
    const tpm = await TestTpm.start(options);
    chips.push(tpm);
    return tpm;
  }

  async function create(at = chip): Promise<TpmKeyProvider> {
    const provider = await TpmKeyProvider.create(path, at.tcti);
    providers.push(provider);
    return provider;
  }

  async function open(at = chip): Promise<TpmKeyProvider> {
    const provider = await TpmKeyProvider.open(path, at.tcti);
    providers.push(provider);
    return provider;
  }

  function stored(): Record<string, unknown> {
    return JSON.parse(readFileSync(path, 'utf8'));
  }

  async function verifies({ publicKey, sign }: { publicKey: Buffer; sign: () => Promise<Buffer> }) {
    const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
    return verify('sha256', Buffer.from('a batch'), key, await sign());
  }

  function signs(provider: TpmKeyProvider): Promise<boolean> {
    return verifies({ publicKey: provider.publicKey, sign: () => provider.sign(Buffer.from('a batch')) });
  }

  test('signs what only its public key verifies', async () => {
    const provider = await create();
    expect(await signs(provider)).toBe(true);
    const { publicKey } = await createElsewhere();
    expect(await verifies({ publicKey, sign: () => provider.sign(Buffer.from('a batch')) })).toBe(false);
  });

  async function createElsewhere(): Promise<TpmKeyProvider> {
    const provider = await TpmKeyProvider.create(join(folder, 'other', 'tpm.json'), (await plugIn()).tcti);
    providers.push(provider);
    return provider;
  }

  test('is the same after a restart and after a power cycle', async () => {
    const first = await create();
    const { keyId } = first;
    const evidence = first.attester.evidence();
    first.close();
    const second = await open();
    expect(second.keyId).toBe(keyId);
    second.close();
    await chip.powerCycle();
    const third = await open();
    expect(third.keyId).toBe(keyId);
    expect(third.attester.evidence()).toEqual(evidence);
    expect(await signs(third)).toBe(true);
  });

  test('is another one at every enrolment, of the same TPM', async () => {
    const first = await create();
    const before = first.attester.evidence();
    first.close();
    rmSync(path);
    const after = (await create()).attester.evidence();
    expect(after.endorsementKey).toBe(before.endorsementKey);
    expect(after.attestationKey).not.toBe(before.attestationKey);
    expect(after.deviceKey).not.toBe(before.deviceKey);
  });

  test('keeps nothing secret on disk, and what it keeps to itself', async () => {
    await create();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(Object.keys(stored()).sort()).toEqual([
      'attestationKey',
      'deviceKey',
      'endorsementKey',
      'unique',
      'version',
    ]);
    // fixedTPM, fixedParent and sensitiveDataOrigin: this TPM made the key and gives it to nobody.
    using tpm = Tpm.open((await plugIn()).tcti);
    using stolen = openDeviceKey(tpm, Buffer.from(String(stored().unique), 'base64'));
    expect(stolen.tr).toBeGreaterThan(0);
    expect(Buffer.from(String(stored().deviceKey), 'base64').readUInt32BE(4) & 0x32).toBe(0x32);
  });

  test('is not forgotten by making another one in its place', async () => {
    const { keyId } = await create();
    providers.pop()?.close();
    await expect(create()).rejects.toThrowError(
      expect.objectContaining({ code: 'enrolment/already-enrolled' }),
    );
    expect((await open()).keyId).toBe(keyId);
  });

  test('asks for a certificate in its own name', async () => {
    const provider = await create();
    const csr = await provider.createCsr();
    expect(TestAuthority.requestedKey(csr)).toEqual(provider.publicKey);
  });

  test('answers a challenge as the control plane checks it', async () => {
    const provider = await create();
    const evidence = TpmEvidence.parse(provider.attester.evidence());
    const [endorsementKey, attestationKey, deviceKey] = [
      evidence.endorsementKey,
      evidence.attestationKey,
      evidence.deviceKey,
    ].map((key) => Buffer.from(key, 'base64')) as [Buffer, Buffer, Buffer];
    const [nonce, secret] = [randomBytes(32), randomBytes(32)];
    const credential = makeCredential(endorsementKey, keyName(attestationKey), secret);
    expect(provider.attester.activate(credential)).toEqual(secret);
    verifyCertification(provider.attester.certify(nonce), attestationKey, deviceKey, nonce);
    expect(parsePublicKey(deviceKey).export({ type: 'spki', format: 'der' })).toEqual(provider.publicKey);
    // More than a TPM gives at once.
    const { quote, pcrs } = provider.attester.quote(nonce, [7, 0, 1, 2, 3, 4, 5, 6, 9, 16, 23]);
    verifyQuote(quote, attestationKey, nonce);
    expect(Object.keys(pcrs)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '9', '16', '23']);
  });

  test('shows the certificate of its maker', async () => {
    const made = await plugIn({ manufactured: true });
    const { endorsementCertificate, endorsementKey } = (await create(made)).attester.evidence();
    expect(endorsementCertificate).not.toBeNull();
    expect(endorsementKey.length).toBeGreaterThan(300);
  });

  test('does not open on another machine, and says whose it is', async () => {
    const { endorsementKey } = (await create()).attester.evidence();
    const other = await plugIn();
    await expect(open(other)).rejects.toThrowError(
      expect.objectContaining({
        code: 'device/other-machine',
        message: expect.stringMatching(/belongs to the TPM [0-9a-f]{16}…; this machine has [0-9a-f]{16}…/),
        hint: expect.stringContaining('enroll --replace'),
      }),
    );
    expect(endorsementKey).toBe((await reopened()).attester.evidence().endorsementKey);
  });

  async function reopened(): Promise<TpmKeyProvider> {
    for (const provider of providers.splice(0)) provider.close();
    return open();
  }

  test('made to look like one of the thief’s TPM is another identity', async () => {
    const { keyId } = await create();
    const thief = await createElsewhere();
    const theirs = JSON.parse(readFileSync(join(folder, 'other', 'tpm.json'), 'utf8'));
    const copy = join(folder, 'copied', 'tpm.json');
    mkdirSync(join(folder, 'copied'), { mode: 0o700 });
    copyFileSync(path, copy);
    // The thief keeps the bytes and writes down their own TPM.
    writeFileSync(copy, JSON.stringify({ ...stored(), endorsementKey: theirs.endorsementKey }));
    const tcti = chips.at(-1)?.tcti ?? '';
    thief.close();
    await expect(TpmKeyProvider.open(copy, tcti)).rejects.toThrowError(
      expect.objectContaining({ code: 'store/corrupt' }),
    );
    using tpm = Tpm.open(tcti);
    using derived = openDeviceKey(tpm, Buffer.from(String(stored().unique), 'base64'));
    expect(derived.tr).toBeGreaterThan(0);
    expect(thief.keyId).not.toBe(keyId);
  });

  test.each([
    ['nothing of it', '{}'],
    ['half of it', '{"version": 1, "unique'],
    ['another version', '{"version": 2}'],
  ])('a file with %s is damaged, not another identity', async (_, content) => {
    await create();
    writeFileSync(path, content);
    await expect(open()).rejects.toThrowError(expect.objectContaining({ code: 'store/corrupt' }));
  });

  test('a fingerprint that is not that of the key is damage', async () => {
    await create();
    const { endorsementKey, ...rest } = stored();
    const changed = { ...Object(endorsementKey), fingerprint: 'f'.repeat(64) };
    writeFileSync(path, JSON.stringify({ ...rest, endorsementKey: changed }));
    await expect(open()).rejects.toThrowError(/endorsementKey is not the fingerprint/);
  });

  test('outlives the clearing of the TPM, whose endorsement seed stays', async () => {
    const { keyId } = await create();
    providers.pop()?.close();
    await chip.tool('clear', '-c', 'p');
    const provider = await open();
    expect(provider.keyId).toBe(keyId);
    expect(await signs(provider)).toBe(true);
  });

  test('is over when the TPM has a new endorsement seed, and says so where the maker’s certificate tells', async () => {
    const made = await plugIn({ manufactured: true });
    await create(made);
    providers.pop()?.close();
    await made.tool('changeeps');
    await expect(open(made)).rejects.toThrowError(expect.objectContaining({ code: 'tpm/cleared' }));
  });

  test('without a certificate, a new endorsement seed is as good as another machine', async () => {
    await create();
    providers.pop()?.close();
    await chip.tool('changeeps');
    await expect(open()).rejects.toThrowError(expect.objectContaining({ code: 'device/other-machine' }));
  });
});
