import { createHash, sign } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { canonicalBytes } from '@raypher/ledger';
import { BundlePayload, RaypherError } from '@raypher/shared';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { OrganisationKeysService } from './organisation-keys.service.ts';

export interface SignedPayload {
  /** The exact RFC 8785 bytes that were signed; never serialise them again. */
  payload: Buffer;
  /** SHA-256 of `payload`. */
  digest: Buffer;
  /** Ed25519, 64 bytes. */
  signature: Buffer;
  keyId: string;
}

/** Signs what devices obey. Only processes of the api role have it. */
@Injectable()
export class SigningService {
  constructor(private readonly keys: OrganisationKeysService) {}

  /**
   * @param payload policy, freeze or command; must name the organisation whose key signs it.
   * @param tx the transaction that made the organisation, when it is not committed yet.
   */
  async signBundle(
    organisationId: string,
    payload: BundlePayload,
    tx?: TenantTransaction,
  ): Promise<SignedPayload> {
    const parsed = BundlePayload.parse(payload);
    if (parsed.organisation !== organisationId) {
      throw new RaypherError('bundle/wrong-organisation', 'The payload names another organisation.');
    }
    const key = await this.keys.signingKey(organisationId, tx);
    const bytes = Buffer.from(canonicalBytes(parsed));
    return {
      payload: bytes,
      digest: createHash('sha256').update(bytes).digest(),
      signature: sign(null, bytes, key.privateKey),
      keyId: key.keyId,
    };
  }
}
