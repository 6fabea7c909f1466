import type { DeviceDetail } from '@raypher/shared/rest';
import { type SecretBinding, sealSecret, vaultKeyId } from '@raypher/vault';

type VaultKey = NonNullable<DeviceDetail['vaultKey']>;

/**
 * Encrypts a key in this browser so that only the device opens it.
 *
 * @param vaultKey as the device announced it; `publicKey` is the uncompressed point, base64url
 * @returns SealedSecret as JSON
 * @throws Error when the browser offers no cryptography here, or the key is not the one its id says
 */
export async function sealForDevice(
  vaultKey: VaultKey,
  binding: SecretBinding,
  value: string,
): Promise<string> {
  if (globalThis.crypto?.subtle === undefined)
    throw new Error(
      'This browser encrypts only on pages served over HTTPS or from this machine. Nothing was sent.',
    );
  const base64 = vaultKey.publicKey.replaceAll('-', '+').replaceAll('_', '/');
  const publicKey = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  if ((await vaultKeyId(publicKey)) !== vaultKey.keyId)
    throw new Error('The vault key of this device does not have the id it claims. Nothing was sent.');
  const plain = new TextEncoder().encode(value);
  try {
    return JSON.stringify(await sealSecret(publicKey, binding, plain));
  } finally {
    plain.fill(0);
  }
}
