import { createHash, sign } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { canonicalBytes, LOG_KEY_CONTEXT } from '@raypher/ledger';
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
    return this.sign(organisationId, parsed, tx);
  }

  /** The policy key vouches for the key of the log: who knows the one can believe the other. */
  signLogKey(
    organisationId: string,
    key: { origin: string; vkey: string },
    tx: TenantTransaction,
  ): Promise<SignedPayload> {
    const statement = { context: LOG_KEY_CONTEXT, organisation: organisationId, ...key };
    return this.sign(organisationId, statement, tx);
  }

  private async sign(
    organisationId: string,
    value: Readonly<Record<string, unknown>>,
    tx: TenantTransaction | undefined,
  ): Promise<SignedPayload> {
    const key = await this.keys.signingKey(organisationId, tx);
    const bytes = Buffer.from(canonicalBytes(value));
    return {
      payload: bytes,
      digest: createHash('sha256').update(bytes).digest(),
      signature: sign(null, bytes, key.privateKey),
      keyId: key.keyId,
    };
  }
}
