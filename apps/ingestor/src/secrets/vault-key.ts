import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { canonicalBytes } from '@raypher/ledger';
import { RaypherError } from '@raypher/shared';
import { vaultKeyId } from '@raypher/vault';

/** An uncompressed point of P-256. */
const POINT_BYTES = 65;
/** DER, ECDSA on P-256. */
const MAX_SIGNATURE_BYTES = 80;

/** What a device says of its vault. */
export interface VaultKeyStatement {
  deviceId: string;
  organisationId: string;
  vaultPublicKey: Uint8Array;
  /** By the device key. */
  vaultKeySignature: Uint8Array;
}

/** The same, as it is stored. */
export interface AnnouncedVaultKey {
  deviceId: string;
  organisationId: string;
  /** Of the device, SubjectPublicKeyInfo. */
  publicKey: Uint8Array | null;
  vaultPublicKey: Uint8Array | null;
  vaultKeySignature: Uint8Array | null;
}

/** Whether the device with this key said that this vault key is its own. */
export function isVaultKeySigned(said: VaultKeyStatement, deviceKey: KeyObject): boolean {
  const { vaultPublicKey, vaultKeySignature } = said;
  if (vaultPublicKey.length !== POINT_BYTES || vaultKeySignature.length > MAX_SIGNATURE_BYTES) return false;
  const statement = canonicalBytes({
    device: said.deviceId,
    kind: 'vault-key',
    organisation: said.organisationId,
    publicKey: Buffer.from(vaultPublicKey).toString('base64url'),
  });
  return verify('sha256', statement, { key: deviceKey, dsaEncoding: 'der' }, vaultKeySignature);
}

/**
 * The vault key of a device if its own key, as it is stored, has signed it. The link process, which stores vault keys, shall
 * not be able to put one of its own in its place: it cannot write the device's key.
 */
export function signedVaultKey(announced: AnnouncedVaultKey): Uint8Array | undefined {
  const { deviceId, organisationId, publicKey, vaultPublicKey, vaultKeySignature } = announced;
  if (publicKey === null || vaultPublicKey === null || vaultKeySignature === null) return undefined;
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  const said = { deviceId, organisationId, vaultPublicKey, vaultKeySignature };
  return isVaultKeySigned(said, key) ? vaultPublicKey : undefined;
}

/**
 * Checked each time a secret is pushed, not only when the key was announced.
 *
 * @throws RaypherError `request/conflict` unless the device key signed exactly this vault key
 */
export async function requireVaultKey(announced: AnnouncedVaultKey, keyId: string): Promise<void> {
  if (announced.publicKey === null || announced.vaultPublicKey === null) {
    throw new RaypherError('request/conflict', 'This device has not announced a vault yet.', {
      hint: 'It does so when it connects with a version that has a vault.',
    });
  }
  const signed = signedVaultKey(announced);
  if (signed === undefined) {
    throw new RaypherError('request/conflict', 'The vault key of this device is not signed by the device.', {
      hint: 'Nothing was sent. The record of this device was changed; enrol it anew.',
    });
  }
  if ((await vaultKeyId(signed)) !== keyId) {
    throw new RaypherError(
      'request/conflict',
      'The secret is encrypted to another vault key than the device has now.',
      {
        hint: 'Load the page again and send it once more.',
      },
    );
  }
}
