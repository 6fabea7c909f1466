import { randomBytes } from 'node:crypto';
import { keyName, makeCredential, verifyCertification, verifyQuote } from '@raypher/shared/attestation';
import { TpmEvidence } from '@raypher/shared/rest';
import { expect, test } from 'vitest';
import { SimulatedTpm } from './simulated-tpm.ts';

const nonce = randomBytes(32);
const areas = (tpm: SimulatedTpm) => {
  const { endorsementKey, attestationKey, deviceKey } = TpmEvidence.parse(tpm.evidence());
  const [endorsement, attestation, device] = [endorsementKey, attestationKey, deviceKey].map((area) =>
    Buffer.from(area, 'base64'),
  );
  if (endorsement === undefined || attestation === undefined || device === undefined)
    throw new Error('no keys');
  return { endorsement, attestation, device };
};

test('it opens what was encrypted for it, and another one does not', () => {
  const tpm = new SimulatedTpm();
  const { endorsement, attestation } = areas(tpm);
  const secret = randomBytes(32);
  const credential = makeCredential(endorsement, keyName(attestation), secret);
  expect(tpm.activate(credential)).toEqual(secret);
  expect(() => new SimulatedTpm().activate(credential)).toThrow('another TPM');
});

test('its statements pass the control plane’s checks', () => {
  const tpm = new SimulatedTpm();
  const { attestation, device } = areas(tpm);
  const { quote } = tpm.quote(nonce, [0, 7, 23]);
  expect(verifyQuote(quote, attestation, nonce)).toMatchObject({
    resetCount: 1,
    pcrSelection: Buffer.from('00000001000b03810080', 'hex'),
  });
  expect(() => verifyCertification(tpm.certify(nonce), attestation, device, nonce)).not.toThrow();
  expect(() => verifyCertification(tpm.certify(randomBytes(32)), attestation, device, nonce)).toThrow(
    'challenge',
  );
});
