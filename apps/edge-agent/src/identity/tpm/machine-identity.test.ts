import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Tpm } from '../../native/tss2.ts';
import { readEndorsementKey } from './endorsement-key.ts';
import { type MachineIdentity, readMachineIdentity } from './machine-identity.ts';

const PERSISTENT = '0x81010001';

function keyOf(identity: MachineIdentity) {
  if (identity.tpm === null) throw new Error('there is no TPM');
  return identity.tpm.endorsementKey;
}

describe.skipIf(tpmUnavailable)(`a TPM as from a factory ${tpmUnavailable ?? ''}`, () => {
  let chip: TestTpm;
  beforeAll(async () => {
    chip = await TestTpm.start({ manufactured: true });
  });
  afterAll(() => chip?.stop());

  test('is recognised as a program, with the certificate of its own key', () => {
    const identity = readMachineIdentity(chip.tcti);
    expect(identity).toMatchObject({
      class: 'virtual',
      tpm: { tcti: chip.tcti, manufacturer: { id: 'IBM' } },
    });
    expect(keyOf(identity)).toMatchObject({
      algorithm: 'rsa2048',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      certificate: { issuer: 'CN=swtpm-localca' },
    });
    expect(identity.looked).toContain(`rsa2048 key at ${PERSISTENT}: found`);
  });

  test('hands over a certificate that its maker signed', () => {
    using tpm = Tpm.open(chip.tcti);
    const { certificate } = readEndorsementKey(tpm);
    const maker = new X509Certificate(readFileSync(chip.file('authority.pem')));
    expect(certificate?.verify(maker.publicKey)).toBe(true);
  });

  test('keeps its fingerprint over power cycles, and when its key is no longer persistent', async () => {
    const before = keyOf(readMachineIdentity(chip.tcti)).fingerprint;
    await chip.powerCycle();
    expect(keyOf(readMachineIdentity(chip.tcti)).fingerprint).toBe(before);
    await chip.tool('evictcontrol', '-C', 'o', '-c', PERSISTENT);
    const derived = readMachineIdentity(chip.tcti);
    expect(derived.looked).toContain('rsa2048 key derived from the default template');
    expect(keyOf(derived).fingerprint).toBe(before);
  });

  test('is not deceived by another key of the same shape at the usual handle', async () => {
    const genuine = keyOf(readMachineIdentity(chip.tcti));
    // The endorsement template, but for the number that the key is derived from.
    writeFileSync(chip.file('unique'), Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(255, 7)]));
    const shape = 'fixedtpm|fixedparent|sensitivedataorigin|adminwithpolicy|restricted|decrypt';
    const like = [
      '-G',
      'rsa2048:null:aes128cfb',
      '-a',
      shape,
      '-L',
      policyFile(chip),
      '-u',
      chip.file('unique'),
    ];
    await chip.tool('createprimary', '-C', 'e', ...like, '-c', chip.file('planted.ctx'));
    await chip.tool('evictcontrol', '-C', 'o', '-c', chip.file('planted.ctx'), PERSISTENT);
    await chip.tool('flushcontext', '-t');
    const identity = readMachineIdentity(chip.tcti);
    expect(identity.looked).toContain(`rsa2048 key at ${PERSISTENT}: found`);
    expect(identity.looked).toContain('rsa2048 key derived from the default template');
    expect(keyOf(identity)).toEqual(genuine);
  });
});

/** The endorsement keys' policy, computed here a second time: PolicySecret with the endorsement hierarchy. */
function policyFile(chip: TestTpm): string {
  const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
  const command = sha256(Buffer.alloc(32), Buffer.from('00000151', 'hex'), Buffer.from('4000000b', 'hex'));
  writeFileSync(chip.file('policy'), sha256(command));
  return chip.file('policy');
}

describe.skipIf(tpmUnavailable)(`an empty TPM ${tpmUnavailable ?? ''}`, () => {
  let chip: TestTpm;
  beforeAll(async () => {
    chip = await TestTpm.start();
  });
  afterAll(() => chip?.stop());

  test('derives the same key as other software does', async () => {
    await chip.tool('createek', '-G', 'rsa', '-c', chip.file('ek.ctx'), '-u', chip.file('ek.pub'));
    // TPM2B_PUBLIC: the public area after a size.
    const publicArea = readFileSync(chip.file('ek.pub')).subarray(2);
    await chip.tool('flushcontext', '-t');
    const identity = readMachineIdentity(chip.tcti);
    expect(keyOf(identity)).toMatchObject({
      fingerprint: createHash('sha256').update(publicArea).digest('hex'),
      certificate: null,
      chain: [],
    });
    expect(identity.nextStep).toContain('fingerprint');
  });

  test('is another one than every other TPM', async () => {
    const other = await TestTpm.start();
    try {
      const [one, two] = [chip, other].map(({ tcti }) => keyOf(readMachineIdentity(tcti)).fingerprint);
      expect(one).not.toBe(two);
    } finally {
      await other.stop();
    }
  });

  test('ignores a key of another kind at the usual handle', async () => {
    await chip.tool('createprimary', '-C', 'o', '-G', 'ecc', '-c', chip.file('other.ctx'));
    await chip.tool('evictcontrol', '-C', 'o', '-c', chip.file('other.ctx'), PERSISTENT);
    await chip.tool('flushcontext', '-t');
    const { looked } = readMachineIdentity(chip.tcti);
    expect(looked).toContain(`rsa2048 key at ${PERSISTENT}: another kind of key, ignored`);
  });

  test('with a password on its endorsement hierarchy says what to do', async () => {
    await chip.tool('changeauth', '-c', 'e', 'word');
    expect(() => readMachineIdentity(chip.tcti)).toThrowError(
      expect.objectContaining({ code: 'tpm/permission', hint: expect.stringContaining('tpm2_changeauth') }),
    );
  });
});

test('a TPM that the configuration names must be there', () => {
  expect(() => readMachineIdentity('device:/nowhere/tpm')).toThrowError(
    expect.objectContaining({ code: 'tpm/absent', hint: expect.stringContaining('tpm.tcti') }),
  );
});

test.runIf(process.getuid?.() === 0)(
  'a device that this user may not use is not taken for a missing one',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'raypher-device-'));
    const device = join(folder, 'tpm');
    writeFileSync(device, '', { mode: 0o000 });
    process.setegid?.('nogroup');
    process.seteuid?.('nobody');
    try {
      expect(() => readMachineIdentity(`device:${device}`)).toThrowError(
        expect.objectContaining({ code: 'tpm/permission', hint: expect.stringContaining('root') }),
      );
    } finally {
      process.seteuid?.(0);
      process.setegid?.(0);
      rmSync(folder, { recursive: true });
    }
  },
);

test.skipIf(existsSync('/dev/tpmrm0'))('a machine without a TPM has a software identity, and says so', () => {
  expect(readMachineIdentity(undefined)).toMatchObject({
    class: 'software',
    reason: expect.stringContaining('can be copied'),
    tpm: null,
    looked: expect.arrayContaining(['/dev/tpmrm0: not there']),
  });
});
