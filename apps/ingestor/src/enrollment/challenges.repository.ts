import { Injectable } from '@nestjs/common';
import type { TpmEvidence } from '@raypher/shared/rest';
import { toJson } from '../database/json.ts';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { EnrolmentChallenge } from '../generated/prisma/client.ts';

export interface NewChallenge {
  organisationId: string;
  nonce: Buffer;
  pcrs: readonly number[];
  expiresAt: Date;
}

@Injectable()
export class ChallengesRepository {
  async openForToken(
    tx: TenantTransaction,
    challenge: NewChallenge,
    asked: { tokenId: string; secretHash: Buffer; evidence: TpmEvidence; evidenceDigest: Buffer },
  ): Promise<string> {
    const { id } = await tx.enrolmentChallenge.create({
      data: {
        ...plain(challenge),
        tokenId: asked.tokenId,
        secretHash: new Uint8Array(asked.secretHash),
        evidence: toJson(asked.evidence),
        evidenceDigest: new Uint8Array(asked.evidenceDigest),
      },
      select: { id: true },
    });
    return id;
  }

  /** A device has one open challenge: the newest. */
  async openForDevice(tx: TenantTransaction, challenge: NewChallenge, deviceId: string): Promise<string> {
    await tx.enrolmentChallenge.deleteMany({ where: { deviceId } });
    const { id } = await tx.enrolmentChallenge.create({
      data: { ...plain(challenge), deviceId },
      select: { id: true },
    });
    return id;
  }

  /** Removes the oldest challenges of a token until only so many are left. */
  async makeRoom(tx: TenantTransaction, tokenId: string, left: number): Promise<void> {
    await tx.$executeRaw`
      DELETE FROM enrolment_challenges WHERE id IN (
        SELECT id FROM enrolment_challenges WHERE token_id = ${tokenId}::uuid
        ORDER BY expires_at DESC OFFSET ${left})`;
  }

  /**
   * Takes a challenge away, whatever comes of it: of two answers at the same moment one finds nothing.
   *
   * @param asker the token or the device it has to have been made for.
   */
  async take(
    tx: TenantTransaction,
    id: string,
    asker: { tokenId: string } | { deviceId: string },
  ): Promise<EnrolmentChallenge | undefined> {
    const row = await tx.enrolmentChallenge.findFirst({
      where: { id, ...asker, expiresAt: { gt: new Date() } },
    });
    if (row === null) return undefined;
    const { count } = await tx.enrolmentChallenge.deleteMany({ where: { id } });
    return count === 1 ? row : undefined;
  }

  async forgetExpired(tx: TenantTransaction): Promise<number> {
    const { count } = await tx.enrolmentChallenge.deleteMany({ where: { expiresAt: { lte: new Date() } } });
    return count;
  }
}

function plain({ organisationId, nonce, pcrs, expiresAt }: NewChallenge) {
  return { organisationId, nonce: new Uint8Array(nonce), pcrs: [...pcrs], expiresAt };
}
