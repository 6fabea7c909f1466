import { createHash, randomBytes } from 'node:crypto';
import { keyName, makeCredential } from '@raypher/shared/attestation';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Tpm } from '../../native/tss2.ts';
import { createPrimary, readPublic } from '../../native/tss2-objects.ts';
import { activateCredential } from './activate-credential.ts';
import { openEndorsementKey } from './endorsement-key.ts';
import { EK_TEMPLATES, type KeyAlgorithm } from './public-area.ts';
import { openAttestationKey } from './signing-keys.ts';

const ALGORITHMS: KeyAlgorithm[] = ['rsa2048', 'ecc-p256'];

/** What the control plane learns from a device. */
interface Claim {
  endorsementKey: Buffer;
  attestationKey: Buffer;
}

describe.skipIf(tpmUnavailable)(`a credential made without a TPM ${tpmUnavailable ?? ''}`, () => {
  let chip: TestTpm;
  let other: TestTpm;
  const unique = randomBytes(32);
  beforeAll(async () => {
    [chip, other] = await Promise.all([TestTpm.start(), TestTpm.start()]);
  });
  afterAll(() => Promise.all([chip?.stop(), other?.stop()]));

  function claim(at: TestTpm, algorithm: KeyAlgorithm, seed = unique): Claim {
    using tpm = Tpm.open(at.tcti);
    using endorsement = createPrimary(tpm, 'endorsement', EK_TEMPLATES[algorithm]);
    using attestation = openAttestationKey(tpm, seed);
    return { endorsementKey: readPublic(tpm, endorsement), attestationKey: readPublic(tpm, attestation) };
  }

  function challenge({ endorsementKey, attestationKey }: Claim) {
    const secret = randomBytes(32);
    return { secret, credential: makeCredential(endorsementKey, keyName(attestationKey), secret) };
  }

  function answer(
    at: TestTpm,
    algorithm: KeyAlgorithm,
    { credential }: ReturnType<typeof challenge>,
    seed = unique,
  ) {
    const { endorsementKey } = claim(at, algorithm);
    using tpm = Tpm.open(at.tcti);
    using endorsement = openEndorsementKey(tpm, { algorithm, publicArea: endorsementKey });
    using attestation = openAttestationKey(tpm, seed);
    return activateCredential(tpm, { endorsement, attestation }, credential);
  }

  test.each(ALGORITHMS)(
    'is opened by the TPM it was made for (%s), also after a power cycle',
    async (algorithm) => {
      const asked = challenge(claim(chip, algorithm));
      expect(answer(chip, algorithm, asked)).toEqual(asked.secret);
      await chip.powerCycle();
      expect(answer(chip, algorithm, asked)).toEqual(asked.secret);
    },
  );

  test.each(ALGORITHMS)('is closed to another TPM with the same data (%s)', (algorithm) => {
    const asked = challenge(claim(chip, algorithm));
    expect(() => answer(other, algorithm, asked)).toThrowError(
      expect.objectContaining({ code: 'tpm/cleared', message: expect.stringMatching(/another TPM/) }),
    );
  });

  test.each(ALGORITHMS)('is closed to another attestation key of the same TPM (%s)', (algorithm) => {
    const asked = challenge(claim(chip, algorithm));
    expect(() => answer(chip, algorithm, asked, randomBytes(32))).toThrowError(
      expect.objectContaining({ code: 'tpm/cleared' }),
    );
  });

  test('is closed when a single bit of it is another one', () => {
    const asked = challenge(claim(chip, 'rsa2048'));
    const last = asked.credential.blob.length - 1;
    asked.credential.blob.writeUInt8(asked.credential.blob.readUInt8(last) ^ 1, last);
    expect(() => answer(chip, 'rsa2048', asked)).toThrowError(
      expect.objectContaining({ code: 'tpm/cleared' }),
    );
  });

  test('does not travel in the clear between us and the TPM', () => {
    const asked = challenge(claim(chip, 'ecc-p256'));
    expect(answer(chip, 'ecc-p256', asked)).toEqual(asked.secret);
    const seen = chip.traffic();
    // What is public was seen: so the secret would have been, too.
    expect(seen.includes(claim(chip, 'ecc-p256').attestationKey)).toBe(true);
    expect(seen.includes(asked.credential.encryptedSeed)).toBe(true);
    expect(seen.includes(asked.secret)).toBe(false);
  });

  test('leaves no slot taken, opened or not', async () => {
    const good = challenge(claim(chip, 'ecc-p256'));
    const bad = challenge(claim(other, 'ecc-p256'));
    for (let round = 0; round < 20; round += 1) {
      expect(answer(chip, 'ecc-p256', good)).toEqual(good.secret);
      expect(() => answer(chip, 'ecc-p256', bad)).toThrowError();
    }
    expect(await chip.tool('getcap', 'handles-transient')).toBe('');
    expect(await chip.tool('getcap', 'handles-loaded-session')).toBe('');
  });

  test('an endorsement key of another TPM is not found here', () => {
    const { endorsementKey } = claim(other, 'ecc-p256');
    using tpm = Tpm.open(chip.tcti);
    expect(() => openEndorsementKey(tpm, { algorithm: 'ecc-p256', publicArea: endorsementKey })).toThrowError(
      expect.objectContaining({
        code: 'tpm/cleared',
        details: { expected: createHash('sha256').update(endorsementKey).digest('hex') },
      }),
    );
  });
});
