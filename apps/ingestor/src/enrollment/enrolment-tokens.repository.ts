import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { EnrolmentToken } from '../generated/prisma/client.ts';

export interface NewToken {
  organisationId: string;
  teamId: string | null;
  name: string;
  secretHash: Buffer;
  maxUses: number;
  expiresAt: Date;
  createdBy: string;
}

@Injectable()
export class EnrolmentTokensRepository {
  create(tx: TenantTransaction, token: NewToken): Promise<EnrolmentToken> {
    return tx.enrolmentToken.create({ data: { ...token, secretHash: new Uint8Array(token.secretHash) } });
  }

  find(tx: TenantTransaction, id: string): Promise<EnrolmentToken | null> {
    return tx.enrolmentToken.findUnique({ where: { id } });
  }

  /**
   * Takes one use, if there is one left at this very moment. The row lock makes concurrent enrolments
   * queue up here, so a token is never used more often than it may be.
   */
  async takeUse(tx: TenantTransaction, id: string): Promise<boolean> {
    const taken = await tx.$executeRaw`
      UPDATE enrolment_tokens SET uses = uses + 1, last_used_at = now()
      WHERE id = ${id}::uuid AND uses < max_uses AND revoked_at IS NULL AND expires_at > now()`;
    return taken === 1;
  }
}
