import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '../../database/tenant-database.ts';

export type AnchorKind = 'witness' | 'rfc3161';

export interface Anchor {
  kind: AnchorKind;
  /** Of the witness' key, or of the authority. */
  name: string;
  /** Size of the checkpoint that it is about. */
  size: number;
  /** A signature line of a note, or the DER of a time stamp token. */
  content: Uint8Array;
  at: Date;
}

/** What others say of an organisation's checkpoints. */
@Injectable()
export class AnchorsRepository {
  /** The one about the largest checkpoint. */
  async newest(tx: TenantTransaction, kind: AnchorKind, name: string): Promise<Anchor | undefined> {
    const row = await tx.ledgerAnchor.findFirst({ where: { kind, name }, orderBy: { size: 'desc' } });
    return row === null
      ? undefined
      : { kind, name, size: Number(row.size), content: row.content, at: row.at };
  }

  /** Of checkpoints of these sizes: the signature lines of witnesses that belong behind their notes. */
  async cosignatures(tx: TenantTransaction, sizes: readonly number[]): Promise<Map<number, string>> {
    const rows = await tx.ledgerAnchor.findMany({
      where: { kind: 'witness', size: { in: sizes.map(BigInt) } },
      orderBy: { name: 'asc' },
    });
    const lines = new Map<number, string>();
    for (const { size, content } of rows) {
      const key = Number(size);
      lines.set(key, (lines.get(key) ?? '') + Buffer.from(content).toString('utf8'));
    }
    return lines;
  }

  /** Time stamps of checkpoints up to this size, smallest first, behind one of `after`. */
  async timeStamps(
    tx: TenantTransaction,
    { after, to, limit }: { after: number; to: number; limit: number },
  ): Promise<{ size: number; token: Uint8Array }[]> {
    const rows = await tx.ledgerAnchor.findMany({
      where: { kind: 'rfc3161', size: { gt: BigInt(after), lte: BigInt(to) } },
      orderBy: [{ size: 'asc' }, { name: 'asc' }],
      take: limit,
    });
    return rows.map(({ size, content }) => ({ size: Number(size), token: content }));
  }

  /** Nothing happens when it is there already. */
  async insert(
    tx: TenantTransaction,
    organisationId: string,
    { kind, name, size, content }: Omit<Anchor, 'at'>,
  ): Promise<void> {
    await tx.ledgerAnchor.createMany({
      data: [{ organisationId, kind, name, size: BigInt(size), content: new Uint8Array(content) }],
      skipDuplicates: true,
    });
  }
}
