import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { EnrolmentToken } from '../generated/prisma/client.ts';
import { InstallationAuthority } from '../keys/installation-authority.ts';
import { EnrolmentTokensRepository } from './enrolment-tokens.repository.ts';
import { formatToken, hashSecret, newSecret, parseToken } from './token-format.ts';

export interface TokenRequest {
  name: string;
  teamId: string | null;
  maxUses: number;
  expiresAt: Date;
  /** Who made it, as shown to people. */
  createdBy: string;
}

/** An organisation that no token belongs to: unknown tokens take the same path as wrong ones. */
const NOBODY = '00000000-0000-4000-8000-000000000000';

/** Makes and checks enrolment tokens. */
@Injectable()
export class TokenService {
  constructor(
    private readonly repository: EnrolmentTokensRepository,
    private readonly crossTenant: CrossTenantRepository,
    private readonly database: TenantDatabase,
    private readonly installation: InstallationAuthority,
  ) {}

  /** @returns the row and the token itself, which is never readable again. */
  async create(
    tx: TenantTransaction,
    organisationId: string,
    request: TokenRequest,
  ): Promise<{ row: EnrolmentToken; token: string }> {
    const secret = newSecret();
    const row = await this.repository.create(tx, {
      organisationId,
      ...request,
      secretHash: hashSecret(secret),
    });
    return { row, token: formatToken({ id: row.id, secret, pin: this.installation.pin }) };
  }

  /**
   * Finds the token behind its text. An unknown id and a wrong secret look the same from outside, in
   * words and in the work done.
   *
   * @throws RaypherError `enrolment/token-unknown`, or why a token whose secret is right may not be used.
   */
  async resolve(text: string): Promise<EnrolmentToken> {
    const parts = parseToken(text);
    if (parts === undefined) throw unknownToken();
    const presented = hashSecret(parts.secret);
    const organisationId = (await this.crossTenant.enrolmentTokenOrganisation(parts.id)) ?? NOBODY;
    const row = await this.database.within(organisationId, (tx) => this.repository.find(tx, parts.id));
    const known = row === null ? Buffer.alloc(32) : Buffer.from(row.secretHash);
    if (!timingSafeEqual(presented, known) || row === null) throw unknownToken();
    return row;
  }

  /** @throws RaypherError saying why this token cannot be used now. */
  assertUsable(token: EnrolmentToken): void {
    if (token.revokedAt !== null) {
      throw new RaypherError('enrolment/token-revoked', 'This enrolment token was revoked.', {
        hint: NEW_TOKEN,
      });
    }
    if (token.expiresAt.getTime() <= Date.now()) {
      throw new RaypherError(
        'enrolment/token-expired',
        `This enrolment token expired at ${token.expiresAt.toISOString()}.`,
        {
          hint: NEW_TOKEN,
        },
      );
    }
    if (token.uses >= token.maxUses) {
      throw new RaypherError(
        'enrolment/token-exhausted',
        'This enrolment token was used as often as it may be.',
        {
          hint: NEW_TOKEN,
        },
      );
    }
  }

  /** @throws RaypherError when another enrolment took the last use, or the token ended meanwhile. */
  async takeUse(tx: TenantTransaction, id: string): Promise<void> {
    if (await this.repository.takeUse(tx, id)) return;
    const now = await this.repository.find(tx, id);
    if (now !== null) this.assertUsable(now);
    throw unknownToken();
  }
}

const NEW_TOKEN = 'Create a new one in the console under Fleet → Add devices.';

function unknownToken(): RaypherError {
  return new RaypherError('enrolment/token-unknown', 'This enrolment token is not known here.', {
    hint: 'Copy the whole token again, or create a new one in the console.',
  });
}
