import { createHash, randomBytes } from 'node:crypto';
import { type Attestation, verifyCertification, verifyQuote } from '@raypher/shared/attestation';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Tpm } from '../../native/tss2.ts';
import { certify, quote } from '../../native/tss2-attestation.ts';
import { readPublic } from '../../native/tss2-objects.ts';
import { openAttestationKey, openDeviceKey } from './signing-keys.ts';

/** One bank of SHA-256, PCR 16: the one for experiments. */
const PCR_16 = Buffer.from('00000001000b03000001', 'hex');
const MISMATCH = 'device/identity-mismatch';

describe.skipIf(tpmUnavailable)(`what a TPM signs about itself ${tpmUnavailable ?? ''}`, () => {
  let chip: TestTpm;
  const unique = randomBytes(32);
  const nonce = randomBytes(32);
  beforeAll(async () => {
    chip = await TestTpm.start();
  });
  afterAll(() => chip?.stop());

  function quoted(): { key: Buffer; statement: Attestation } {
    using tpm = Tpm.open(chip.tcti);
    using key = openAttestationKey(tpm, unique);
    return { key: readPublic(tpm, key), statement: quote(tpm, key, nonce, PCR_16) };
  }

  function certified() {
    using tpm = Tpm.open(chip.tcti);
    using key = openAttestationKey(tpm, unique);
    using device = openDeviceKey(tpm, unique);
    return {
      key: readPublic(tpm, key),
      device: readPublic(tpm, device),
      statement: certify(tpm, device, key, nonce),
      byDeviceKey: quote(tpm, device, nonce, PCR_16),
    };
  }

  function refusal(why: string) {
    return expect.objectContaining({ code: MISMATCH, message: expect.stringContaining(why) });
  }

  test('is the state it is in, and another one after that changed', async () => {
    const before = quoted();
    const state = verifyQuote(before.statement, before.key, nonce);
    expect(state.pcrSelection).toEqual(PCR_16);
    expect(state.pcrDigest).toEqual(createHash('sha256').update(Buffer.alloc(32)).digest());
    const event = createHash('sha256').update('something was loaded').digest();
    await chip.tool('pcrextend', `16:sha256=${event.toString('hex')}`);
    const extended = createHash('sha256')
      .update(Buffer.concat([Buffer.alloc(32), event]))
      .digest();
    const after = quoted();
    expect(verifyQuote(after.statement, after.key, nonce).pcrDigest).toEqual(
      createHash('sha256').update(extended).digest(),
    );
  });

  test('counts how often the power went', async () => {
    const counted = () => {
      const { key, statement } = quoted();
      return verifyQuote(statement, key, nonce).resetCount;
    };
    const before = counted();
    await chip.powerCycle();
    expect(counted()).toBe(before + 1);
  });

  test('is a key that it holds', () => {
    const { key, device, statement } = certified();
    expect(() => verifyCertification(statement, key, device, nonce)).not.toThrow();
    expect(() => verifyCertification(statement, key, key, nonce)).toThrowError(refusal('another key'));
  });

  test('does not count for another challenge', () => {
    const { key, statement } = quoted();
    expect(() => verifyQuote(statement, key, randomBytes(32))).toThrowError(refusal('this challenge'));
  });

  test('does not count as something else', () => {
    const { key, device, statement } = certified();
    expect(() => verifyQuote(statement, key, nonce)).toThrowError(refusal('something else'));
    expect(() => verifyCertification(quoted().statement, key, device, nonce)).toThrowError(
      refusal('something else'),
    );
  });

  test('does not count when a key signed it that signs anything', () => {
    const { device, byDeviceKey } = certified();
    expect(() => verifyQuote(byDeviceKey, device, nonce)).toThrowError(refusal('no attestation key'));
  });

  test('does not count with any one byte changed or cut off', () => {
    const { key, statement } = quoted();
    for (let at = 0; at < statement.attested.length; at += 1) {
      const attested = Buffer.from(statement.attested);
      attested.writeUInt8(attested.readUInt8(at) ^ 1, at);
      expect(() => verifyQuote({ ...statement, attested }, key, nonce)).toThrowError(refusal('signature'));
    }
    for (let length = 0; length < statement.signature.length; length += 1) {
      const signature = statement.signature.subarray(0, length);
      expect(() => verifyQuote({ ...statement, signature }, key, nonce)).toThrowError(
        expect.objectContaining({ code: MISMATCH }),
      );
    }
  });

  test('is not signed by another TPM with the same data', async () => {
    const { key } = quoted();
    const other = await TestTpm.start();
    try {
      using tpm = Tpm.open(other.tcti);
      using theirs = openAttestationKey(tpm, unique);
      const statement = quote(tpm, theirs, nonce, PCR_16);
      expect(() => verifyQuote(statement, key, nonce)).toThrowError(refusal('signature'));
    } finally {
      await other.stop();
    }
  });
});
