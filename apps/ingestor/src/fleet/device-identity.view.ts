import { createHash } from 'node:crypto';
import { keyName } from '@raypher/shared/attestation';
import { type DeviceDetail, DeviceTpm, PcrValues } from '@raypher/shared/rest';
import type { Device } from '../generated/prisma/client.ts';
import { signedVaultKey } from '../secrets/vault-key.ts';

/** TPM_ALG_RSA (TPM 2.0 Part 2 §6.3), which a public area begins with. */
const RSA = 0x0001;

const Chain = DeviceTpm.shape.chain;
const Kind = DeviceTpm.shape.root.unwrap().shape.kind;

/** @returns null for a device without a TPM. */
export function showTpm(device: Device): DeviceTpm | null {
  const { tpmEkPublic, tpmEkFingerprint, tpmAkPublic, tpmQuotedAt, tpmFirmware } = device;
  // A constraint of the table: all of them are there, or none.
  if (!tpmEkPublic || !tpmEkFingerprint || !tpmAkPublic || !tpmQuotedAt || tpmFirmware === null) return null;
  return {
    algorithm: Buffer.from(tpmEkPublic).readUInt16BE() === RSA ? 'rsa2048' : 'ecc-p256',
    endorsementFingerprint: Buffer.from(tpmEkFingerprint).toString('hex'),
    attestationKeyName: keyName(Buffer.from(tpmAkPublic)).toString('hex'),
    chain: Chain.parse(device.tpmChain),
    root: showRoot(device),
    pcrs: PcrValues.parse(device.tpmPcrs),
    quotedAt: tpmQuotedAt.toISOString(),
    resetCount: Number(device.tpmResetCount),
    restartCount: Number(device.tpmRestartCount),
    firmwareVersion: tpmFirmware,
  };
}

function showRoot({ tpmRootFingerprint, tpmRootManufacturer, tpmRootKind }: Device): DeviceTpm['root'] {
  if (tpmRootFingerprint === null) return null;
  return {
    fingerprint: Buffer.from(tpmRootFingerprint).toString('hex'),
    manufacturer: tpmRootManufacturer ?? '',
    kind: Kind.parse(tpmRootKind),
  };
}

/**
 * The public key is the uncompressed point in base64url, as the device signed it. One that it did not sign is not shown:
 * the console would seal secrets to it.
 */
export function showVaultKey(device: Device): DeviceDetail['vaultKey'] {
  const vaultPublicKey = signedVaultKey({ ...device, deviceId: device.id });
  if (vaultPublicKey === undefined) return null;
  return {
    keyId: createHash('sha256').update(vaultPublicKey).digest('hex').slice(0, 16),
    publicKey: Buffer.from(vaultPublicKey).toString('base64url'),
  };
}
