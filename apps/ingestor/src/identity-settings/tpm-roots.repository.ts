import { Injectable } from '@nestjs/common';
import type { PinnedRoot } from '@raypher/shared/attestation';
import { z } from 'zod';
import type { TenantTransaction } from '../database/tenant-database.ts';

/** The column's check constraint allows exactly these two. */
const Kind = z.enum(['hardware', 'virtual']);

/** How an organisation's pinned roots differ from the built-in ones. */
export interface RootDecisions {
  own: PinnedRoot[];
  /** Fingerprints (hex) of built-in roots. */
  distrusted: ReadonlySet<string>;
}

@Injectable()
export class TpmRootsRepository {
  async decisions(tx: TenantTransaction, organisationId: string): Promise<RootDecisions> {
    const rows = await tx.tpmRoot.findMany({ where: { organisationId }, orderBy: { decidedAt: 'asc' } });
    const own: PinnedRoot[] = [];
    const distrusted = new Set<string>();
    for (const row of rows) {
      const fingerprint = Buffer.from(row.fingerprint).toString('hex');
      if (row.certificate === null || row.manufacturer === null) distrusted.add(fingerprint);
      else {
        const der = Buffer.from(row.certificate);
        own.push({ fingerprint, der, manufacturer: row.manufacturer, kind: Kind.parse(row.kind) });
      }
    }
    return { own, distrusted };
  }

  async insert(
    tx: TenantTransaction,
    organisationId: string,
    root: Pick<PinnedRoot, 'fingerprint'> & Partial<PinnedRoot>,
    decidedBy: string,
  ): Promise<void> {
    const { fingerprint, der, manufacturer = null, kind = null } = root;
    const certificate = der === undefined ? null : new Uint8Array(der);
    const data = { organisationId, certificate, manufacturer, kind, decidedBy };
    await tx.tpmRoot.create({ data: { ...data, fingerprint: bytesOf(fingerprint) } });
  }

  async delete(tx: TenantTransaction, organisationId: string, fingerprint: string): Promise<void> {
    await tx.tpmRoot.deleteMany({ where: { organisationId, fingerprint: bytesOf(fingerprint) } });
  }

  /** Decisions of one organisation are taken one after another. */
  async lock(tx: TenantTransaction, organisationId: string): Promise<void> {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('tpm-roots:' || ${organisationId}, 0))`;
  }

  /** How many devices of the organisation, revoked ones aside, lead to each root. */
  async devices(tx: TenantTransaction, organisationId: string): Promise<ReadonlyMap<string, number>> {
    const rows = await tx.$queryRaw<{ fingerprint: string; devices: number }[]>`
      SELECT encode(tpm_root_fingerprint, 'hex') AS fingerprint, count(*)::int AS devices FROM devices
      WHERE organisation_id = ${organisationId}::uuid AND tpm_root_fingerprint IS NOT NULL AND status <> 'revoked'
      GROUP BY 1`;
    return new Map(rows.map((row) => [row.fingerprint, row.devices]));
  }
}

function bytesOf(fingerprint: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(fingerprint, 'hex'));
}
