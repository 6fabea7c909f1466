import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { commitPrivate } from '@raypher/ledger';
import type { ControlKind } from '@raypher/shared/rest';
import { toJson } from '../database/json.ts';
import type { TenantTransaction } from '../database/tenant-database.ts';

/** What the control plane itself did, as it goes into the organisation's log. */
export interface ControlEntryDraft {
  kind: ControlKind;
  /** Members of the entry that are its kind's own, next to those of every entry (docs/ledger-format.md); nothing about people. */
  body: Readonly<Record<string, unknown>>;
  /** What may have to be erased: the entry only commits to it. */
  private?: Readonly<Record<string, unknown>>;
}

/**
 * Entries of the control plane on their way into the log. They wait in the table for their number, the hash of the one
 * before and their place, which the log's writer gives them.
 */
@Injectable()
export class ControlEntriesRepository {
  /** Writes an entry in the transaction of what it is about: neither exists without the other. */
  async add(tx: TenantTransaction, organisationId: string, draft: ControlEntryDraft): Promise<void> {
    const part =
      draft.private === undefined
        ? undefined
        : commitPrivate(
            // As the audit keeps it: without dates, bigint and zero bytes.
            toJson(draft.private) as Record<string, unknown>,
            randomBytes(32).toString('base64url'),
          );
    await tx.ledgerControl.create({
      data: {
        organisationId,
        kind: draft.kind,
        body: toJson(draft.body),
        ...(part === undefined
          ? {}
          : {
              private: new Uint8Array(part.content),
              commitment: new Uint8Array(Buffer.from(part.commitment, 'hex')),
            }),
      },
      select: { arrival: true },
    });
  }
}
