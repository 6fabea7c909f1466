import { randomBytes, randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  type ApprovalSettings,
  type UpdateApprovalSettings,
  type UpdatedApprovalSettings,
  WebhookFormat,
} from '@raypher/shared/rest';
import { z } from 'zod';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import type { ApprovalWebhook } from '../generated/prisma/client.ts';
import { seal, unseal } from '../keys/envelope.ts';
import { LiveChanges } from '../live/live-changes.ts';

/** Where to post, and the key that signs what is posted. */
export interface OpenedWebhook {
  format: WebhookFormat;
  url: string;
  signingKey: string;
}

const Sealed = z.object({ url: z.string(), signingKey: z.string() });

/** Whom an organisation's questions are told. Addresses of chat services are secrets, and are kept like keys. */
@Injectable()
export class WebhookSettings {
  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly database: TenantDatabase,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  async read(organisationId: string): Promise<ApprovalSettings> {
    return show(await this.find(organisationId));
  }

  async open(organisationId: string): Promise<OpenedWebhook | undefined> {
    const row = await this.find(organisationId);
    if (row === null) return undefined;
    const plain = unseal(this.config.masterKey, row.sealed, context(organisationId, row.keyId));
    return { format: WebhookFormat.parse(row.format), ...Sealed.parse(JSON.parse(plain.toString('utf8'))) };
  }

  /** A new address gets a new key, which is shown this once. */
  async update(
    caller: Principal,
    { webhook, reason }: UpdateApprovalSettings,
  ): Promise<UpdatedApprovalSettings> {
    const organisationId = caller.organisation.id;
    const signingKey = webhook === null ? null : randomBytes(32).toString('base64url');
    const row = await this.database.within(organisationId, async (tx) => {
      const before = await tx.approvalWebhook.findUnique({ where: { organisationId } });
      let after: ApprovalWebhook | null = null;
      if (webhook === null) {
        await tx.approvalWebhook.deleteMany({ where: { organisationId } });
      } else {
        const keyId = randomUUID();
        const plain = Buffer.from(JSON.stringify({ url: webhook.url, signingKey }));
        const columns = {
          format: webhook.format,
          host: new URL(webhook.url).host,
          keyId,
          sealed: new Uint8Array(seal(this.config.masterKey, plain, context(organisationId, keyId))),
          updatedAt: new Date(),
          updatedBy: labelOf(caller),
        };
        after = await tx.approvalWebhook.upsert({
          where: { organisationId },
          create: { organisationId, ...columns },
          update: columns,
        });
      }
      await this.audit.record(tx, organisationId, caller, {
        action: 'settings.approvals',
        target: 'chat webhook',
        reason,
        before: recorded(before),
        after: recorded(after),
      });
      return after;
    });
    this.changes.announce(organisationId, 'settings', 'audit');
    return { ...show(row), signingKey };
  }

  private find(organisationId: string): Promise<ApprovalWebhook | null> {
    return this.database.within(organisationId, (tx) =>
      tx.approvalWebhook.findUnique({ where: { organisationId } }),
    );
  }
}

function context(owner: string, keyId: string) {
  return { owner, purpose: 'approval-webhook', keyId };
}

function show(row: ApprovalWebhook | null): ApprovalSettings {
  if (row === null) return { webhook: null };
  const { host, updatedAt, updatedBy } = row;
  return {
    webhook: { host, format: WebhookFormat.parse(row.format), updatedAt: updatedAt.toISOString(), updatedBy },
  };
}

/** What the audit keeps: never the address. */
function recorded(row: ApprovalWebhook | null): unknown {
  return row === null ? null : { host: row.host, format: row.format };
}
