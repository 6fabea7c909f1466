import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../database/ingest-database.ts';
import type { StateKind } from '../link/device-stream.ts';

export interface BundleRow {
  kind: StateKind;
  revision: string;
  teamId: string | null;
  /** Set where only some devices get it. */
  stage: unknown;
  payload: Buffer;
  digest: Buffer;
  signature: Buffer;
  keyId: string;
}

@Injectable()
export class StateBundlesRepository {
  constructor(private readonly database: IngestDatabase) {}

  /**
   * Every bundle of the newest revision of each kind: the general one and those of teams. Where only some devices
   * get that revision, those of the revision that all others keep come with it.
   */
  newest(organisationId: string): Promise<BundleRow[]> {
    return this.database.query<BundleRow>(
      `SELECT b.kind, b.revision, b.team_id AS "teamId", b.payload, b.digest, b.signature, b.key_id AS "keyId",
              b.stage
         FROM state_bundles b
         JOIN (SELECT DISTINCT ON (kind) kind, revision, base_revision FROM state_bundles WHERE organisation_id = $1
                ORDER BY kind, revision DESC) newest
           ON newest.kind = b.kind AND b.revision IN (newest.revision, newest.base_revision)
        WHERE b.organisation_id = $1`,
      [organisationId],
    );
  }

  /** The newest revisions of these organisations, to see what a nudge did not tell us. */
  revisions(
    organisationIds: string[],
  ): Promise<{ organisationId: string; kind: StateKind; revision: string }[]> {
    return this.database.query(
      `SELECT organisation_id AS "organisationId", kind, max(revision)::text AS revision
         FROM state_bundles WHERE organisation_id = ANY ($1::uuid[]) GROUP BY organisation_id, kind`,
      [organisationIds],
    );
  }
}
