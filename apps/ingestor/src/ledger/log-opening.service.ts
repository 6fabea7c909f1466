import { Injectable } from '@nestjs/common';
import { formatVerifierKey, verifierKey } from '@raypher/ledger';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { OrganisationKeysService } from '../keys/organisation-keys.service.ts';
import { SigningService } from '../keys/signing.service.ts';
import { ControlEntriesRepository } from './control-entries.repository.ts';
import { LogsRepository, type StoredLog } from './logs.repository.ts';

/** Names the log for ever: by the organisation, not by a host that may change. */
export function originOf(organisationId: string, generation = 1): string {
  return `raypher.log/${organisationId}${generation === 1 ? '' : `/${generation}`}`;
}

/** Gives an organisation its log: a name, a key of its own that the policy key vouches for, and a first entry. */
@Injectable()
export class LogOpeningService {
  constructor(
    private readonly logs: LogsRepository,
    private readonly keys: OrganisationKeysService,
    private readonly signing: SigningService,
    private readonly control: ControlEntriesRepository,
  ) {}

  /** The log, locked for the rest of the transaction; undefined while another process works on it. */
  async takeOrOpen(tx: TenantTransaction, organisationId: string): Promise<StoredLog | undefined> {
    let log = await this.logs.take(tx);
    if (log === undefined) {
      await this.logs.create(tx, organisationId, originOf(organisationId));
      log = await this.logs.take(tx);
    }
    if (log === undefined || log.key !== undefined) return log;
    await this.giveKey(tx, organisationId, { origin: log.origin, generation: log.generation });
    return this.logs.take(tx);
  }

  /** A new key, and the entry that says so. */
  async giveKey(
    tx: TenantTransaction,
    organisationId: string,
    name: { origin: string; generation: number },
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const signer = await this.keys.createLogKey(tx, organisationId);
    const { origin } = name;
    const vkey = formatVerifierKey(verifierKey(origin, signer.algorithm, signer.publicKey));
    const signed = await this.signing.signLogKey(organisationId, { origin, vkey }, tx);
    const { payload: statement, signature, keyId: policyKeyId } = signed;
    await this.logs.setKey(tx, organisationId, { statement, signature, policyKeyId }, name);
    await this.control.add(tx, organisationId, {
      kind: 'log-key',
      body: {
        statement: statement.toString('utf8'),
        signature: signature.toString('base64'),
        policyKey: policyKeyId,
        ...more,
      },
    });
  }
}
