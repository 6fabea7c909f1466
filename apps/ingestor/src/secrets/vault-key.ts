import { createPublicKey, verify } from 'node:crypto';
import { canonicalBytes } from '@raypher/ledger';
import { RaypherError } from '@raypher/shared';
import { vaultKeyId } from '@raypher/vault';

/** What a device announced of its vault, as it is stored. */
export interface AnnouncedVaultKey {
  deviceId: string;
  organisationId: string;
  /** Of the device, SubjectPublicKeyInfo. */
  publicKey: Uint8Array | null;
  /** Uncompressed P-256 point, and the device key's signature over the statement about it. */
  vaultPublicKey: Uint8Array | null;
  vaultKeySignature: Uint8Array | null;
}

/**
 * Checked each time a secret is pushed, not only when the key was announced: the link process, which stores it, shall not
 * be able to put a key of its own in its place. It cannot write the device's key.
 *
 * @throws RaypherError `request/conflict` unless the device key signed exactly this vault key
 */
export async function requireVaultKey(announced: AnnouncedVaultKey, keyId: string): Promise<void> {
  const {
    deviceId: device,
    organisationId: organisation,
    publicKey,
    vaultPublicKey,
    vaultKeySignature,
  } = announced;
  if (publicKey === null || vaultPublicKey === null || vaultKeySignature === null) {
    throw new RaypherError('request/conflict', 'This device has not announced a vault yet.', {
      hint: 'It does so when it connects with a version that has a vault.',
    });
  }
  const statement = canonicalBytes({
    device,
    kind: 'vault-key',
    organisation,
    publicKey: Buffer.from(vaultPublicKey).toString('base64url'),
  });
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  if (!verify('sha256', statement, { key, dsaEncoding: 'der' }, vaultKeySignature)) {
    throw new RaypherError('request/conflict', 'The vault key of this device is not signed by the device.', {
      hint: 'Nothing was sent. The record of this device was changed; enrol it anew.',
    });
  }
  if ((await vaultKeyId(vaultPublicKey)) !== keyId) {
    throw new RaypherError(
      'request/conflict',
      'The secret is encrypted to another vault key than the device has now.',
      {
        hint: 'Load the page again and send it once more.',
      },
    );
  }
}
