import { Controller, Get, Put } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { ForensicKeySetting, PutForensicKey } from '@raypher/shared/rest';
import { checkForensicPublicKey } from '@raypher/vault';
import { AuditRepository } from '../audit/audit.repository.ts';
import { Caller, Requires } from '../auth/access.decorators.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { Answers, JsonBody } from '../openapi/contract.ts';
import { OutboxRelay } from '../outbox/outbox-relay.service.ts';
import { PoliciesService } from '../policies/policies.service.ts';
import { requireConfirmation } from '../tenancy/confirmation.ts';
import { ForensicKeysRepository } from './forensic-keys.repository.ts';

@Controller('v1/settings/forensics')
export class ForensicKeyController {
  constructor(
    private readonly database: TenantDatabase,
    private readonly keys: ForensicKeysRepository,
    private readonly policies: PoliciesService,
    private readonly audit: AuditRepository,
    private readonly relay: OutboxRelay,
    private readonly changes: LiveChanges,
  ) {}

  @Get()
  @Requires('settings:read')
  @Answers('What snapshots of a panic are sealed to: the public half of a key', ForensicKeySetting)
  async read(@Caller() caller: Principal): Promise<ForensicKeySetting> {
    const row = await this.database.within(caller.organisation.id, (tx) => this.keys.find(tx));
    return {
      key: row === null ? null : { keyId: row.keyId, publicKey: row.publicKey },
      updatedAt: row?.updatedAt.toISOString() ?? null,
      updatedBy: row?.updatedBy ?? null,
    };
  }

  @Put()
  @Requires('settings:manage')
  @Answers('Says what snapshots are sealed to from now on, and tells every device', ForensicKeySetting)
  async put(
    @Caller() caller: Principal,
    @JsonBody(PutForensicKey) body: PutForensicKey,
  ): Promise<ForensicKeySetting> {
    requireConfirmation(caller, body.confirm);
    await requireKey(body.key);
    const { id } = caller.organisation;
    await this.database.within(id, async (tx) => {
      const before = await this.keys.recipient(tx);
      await this.keys.put(tx, id, body.key, labelOf(caller));
      await this.audit.record(tx, id, caller, {
        action: 'settings.forensics',
        target: `forensic key ${body.key.keyId}`,
        reason: body.reason,
        before: before === null ? null : { ...before },
        after: { ...body.key },
      });
      await this.policies.reissue(tx, id, caller, labelOf(caller), body.reason);
    });
    this.relay.look();
    this.changes.announce(id, 'settings', 'policies', 'audit');
    return this.read(caller);
  }
}

/** A device would seal to whatever is signed; nobody could open what is sealed to no key. */
async function requireKey(key: PutForensicKey['key']): Promise<void> {
  try {
    await checkForensicPublicKey(key);
  } catch (cause) {
    throw new RaypherError('request/invalid', 'This is not the public half of a forensic key.', {
      hint: 'Take what `raypher forensics keygen` prints, or make a key in the console.',
      details: { field: 'key' },
      cause,
    });
  }
}
