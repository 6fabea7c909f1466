import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { LedgerStatus, RestartLog } from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import type { Principal } from '../auth/principal.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { requireConfirmation } from '../tenancy/confirmation.ts';
import { CheckpointMemory } from './checkpoint-memory.ts';
import { LedgerService } from './ledger.service.ts';
import { LogOpeningService, originOf } from './log-opening.service.ts';
import { LogStateRepository } from './log-state.repository.ts';
import { LogsRepository } from './logs.repository.ts';

/**
 * The way out when checkpoints were signed for what the database does not have any more: a restored backup. What is
 * there goes on under another name and another key, and the first entry under it says what it goes on from, and why.
 * Nobody can take it for the old log, whose last checkpoint stays in the hands of whoever has it.
 */
@Injectable()
export class LogRestartService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly logs: LogsRepository,
    private readonly state: LogStateRepository,
    private readonly opening: LogOpeningService,
    private readonly audit: AuditRepository,
    private readonly ledger: LedgerService,
    private readonly memory: CheckpointMemory,
  ) {}

  /** @throws RaypherError `request/conflict` while nothing is wrong with the log, or when it is being written */
  async restart(caller: Principal, { reason, confirm }: RestartLog): Promise<LedgerStatus> {
    requireConfirmation(caller, confirm);
    const { id } = caller.organisation;
    const ended = await this.database.within(id, async (tx) => {
      const log = await this.logs.take(tx);
      const { state } = await this.state.read(tx);
      if (log === undefined || state === 'OK') {
        throw new RaypherError('request/conflict', 'Only a log that is CORRUPTED begins again.', {
          hint: 'If it is, another process writes it at this moment: try again.',
        });
      }
      const generation = log.generation + 1;
      const origin = originOf(id, generation);
      const after = { origin: log.origin, size: log.frontier.size };
      await this.opening.giveKey(tx, id, { origin, generation }, { after });
      await this.audit.record(tx, id, caller, {
        action: 'ledger.restart',
        target: origin,
        reason,
        before: after,
        after: { origin },
      });
      return log.origin;
    });
    await this.memory.giveUp(id, ended);
    return this.ledger.status(id);
  }
}
