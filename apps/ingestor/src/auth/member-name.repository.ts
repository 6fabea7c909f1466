import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../database/tenant-database.ts';

@Injectable()
export class MemberNameRepository {
  async find(tx: TenantTransaction, userId: string): Promise<{ name: string; email: string }> {
    const member = await tx.member.findFirst({ where: { userId }, select: { name: true, email: true } });
    return member ?? { name: userId, email: userId };
  }
}
