import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';

export type KeyPurpose = 'device-ca' | 'policy-signing' | 'log-signing';

export interface StoredKey {
  purpose: KeyPurpose;
  keyId: string;
  publicKey: Uint8Array;
  encryptedPrivateKey: Uint8Array;
  /** PEM; of the device CA only. */
  certificate: string | null;
}

@Injectable()
export class OrganisationKeysRepository {
  async insert(tx: TenantTransaction, organisationId: string, key: StoredKey): Promise<void> {
    await tx.organisationKey.create({
      data: {
        organisationId,
        purpose: key.purpose,
        keyId: key.keyId,
        publicKey: new Uint8Array(key.publicKey),
        encryptedPrivateKey: new Uint8Array(key.encryptedPrivateKey),
        certificate: key.certificate,
      },
    });
  }

  /** Not retired, newest first. */
  async list(tx: TenantTransaction, organisationId: string, purpose: KeyPurpose): Promise<StoredKey[]> {
    const rows = await tx.organisationKey.findMany({
      where: { organisationId, purpose, retiredAt: null },
      orderBy: { createdAt: 'desc' },
    });
    return rows.map((row) => ({ ...row, purpose }));
  }
}
