import { Injectable } from '@nestjs/common';
import { type Fault, verifyExport } from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { RaypherError } from '@raypher/shared';
import type { LedgerAudit, LedgerFault } from '@raypher/shared/rest';
import { AuditNotes } from '../audit/audit-notes.service.ts';
import type { Principal } from '../auth/principal.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { CheckpointSigningService } from './checkpoint-signing.service.ts';
import { CheckpointsRepository } from './checkpoints.repository.ts';
import { LedgerAlarm, MOST_FAULTS } from './ledger-alarm.service.ts';
import { isOf, LogExportService } from './log-export.service.ts';
import { LogFault } from './log-fault.ts';
import { LogStateRepository } from './log-state.repository.ts';
import { LogsRepository } from './logs.repository.ts';
import { RecordRepository } from './record.repository.ts';
import { sourceReader } from './source-reader.ts';

const TILE_WIDTH = 256;
const BEFORE_ALL_DEVICES = '00000000-0000-0000-0000-000000000000';

interface Findings {
  /** Entries that were looked at, and how far. */
  entries: number;
  size: number;
  faults: LedgerFault[];
  count: number;
}

/**
 * Looks at the stored record as an auditor looks at an export: every entry against the tree, the tree against signed
 * checkpoints, chains and signatures of devices, what entries commit to. In the memory of a few hundred entries, and in
 * many short transactions.
 */
@Injectable()
export class LedgerAuditService {
  /** Organisations of which somebody looks at everything. */
  private readonly running = new Set<string>();

  constructor(
    private readonly database: TenantDatabase,
    private readonly logs: LogsRepository,
    private readonly checkpoints: CheckpointsRepository,
    private readonly signing: CheckpointSigningService,
    private readonly exports: LogExportService,
    private readonly record: RecordRepository,
    private readonly state: LogStateRepository,
    private readonly alarm: LedgerAlarm,
    private readonly notes: AuditNotes,
  ) {}

  /**
   * Looks at everything, because a person asked for it. It costs as much as the log is long.
   *
   * @throws RaypherError `request/rate-limited` while another one of the organisation runs.
   */
  async byHand(caller: Principal): Promise<LedgerAudit> {
    const { id } = caller.organisation;
    if (this.running.has(id)) {
      throw new RaypherError('request/rate-limited', 'Another look at everything is under way.', {
        hint: 'Try again when it is done; what it finds is on the Ledger page.',
      });
    }
    this.running.add(id);
    try {
      await this.notes.write(caller, { action: 'ledger.audit', target: 'the whole log' });
      return await this.audit(id, 'all');
    } finally {
      this.running.delete(id);
    }
  }

  /** @param scope `new`: the entries since the last audit; `all`: only this one can say again that all is well. */
  async audit(organisationId: string, scope: 'new' | 'all'): Promise<LedgerAudit> {
    const findings = await this.look(organisationId, scope);
    const { entries, size, count } = findings;
    const [first, ...others] = findings.faults;
    if (first === undefined) {
      await this.database.within(organisationId, (tx) => this.state.audited(tx, organisationId, size, scope));
    } else {
      await this.alarm.raise(organisationId, [first, ...others], count);
    }
    const kept = await this.database.within(organisationId, (tx) => this.state.read(tx));
    return { ...kept, entries };
  }

  private async look(organisationId: string, scope: 'new' | 'all'): Promise<Findings> {
    const seen = await this.database.within(organisationId, async (tx) => {
      const log = await this.logs.find(tx);
      const newest = await this.checkpoints.find(tx);
      const { auditedSize } = await this.state.progress(tx);
      if (log?.key === undefined) return undefined;
      const fault = await faultOf(this.signing.requireGrowth(tx, organisationId, log, newest));
      return { isSigned: newest !== undefined && isOf(newest, log.origin), auditedSize, fault };
    });
    if (seen === undefined) return { entries: 0, size: 0, faults: [], count: 0 };
    const faults: LedgerFault[] = seen.fault === undefined ? [] : [seen.fault];
    let count = faults.length;
    let [entries, size] = [0, 0];
    if (seen.isSigned) {
      const from = scope === 'all' ? 0 : seen.auditedSize - (seen.auditedSize % TILE_WIDTH);
      const source = await this.exports.source(organisationId, {
        ...(from === 0 ? {} : { range: { from, to: Number.MAX_SAFE_INTEGER } }),
        privateParts: true,
      });
      const report = await verifyExport(sourceReader(source), {
        vkey: source.vkey,
        organisation: organisationId,
        primitives: nodePrimitives,
      });
      ({ size } = report);
      entries = report.counts.entries;
      count += report.faults.total;
      const kept = report.faults.kept.toSorted((left, right) => placeOf(left) - placeOf(right));
      faults.push(...(await this.name(organisationId, kept)));
    }
    if (scope === 'all') {
      const unplaced = await this.unplaced(organisationId);
      count += unplaced.length;
      faults.push(...unplaced);
    }
    return { entries, size, faults: faults.slice(0, MOST_FAULTS), count };
  }

  /** Says of which device a bad entry is, and when it is not there at all. */
  private name(organisationId: string, faults: readonly Fault[]): Promise<LedgerFault[]> {
    return this.database.within(organisationId, async (tx) => {
      const named: LedgerFault[] = [];
      for (const { code, index, device, seq, detail } of faults) {
        const [placed] = index === undefined ? [] : await this.record.entries(tx, index, index + 1);
        const isMissing = code === 'leaf-mismatch' && (placed?.entry ?? null) === null;
        const of = device ?? placed?.deviceId ?? undefined;
        const at = seq ?? placed?.seq ?? undefined;
        named.push({
          code: isMissing ? 'entry-missing' : code,
          ...(index === undefined ? {} : { index }),
          ...(of === undefined ? {} : { device: of }),
          ...(at === undefined ? {} : { seq: at }),
          detail: isMissing ? 'An entry that has its place in the log is not there.' : detail,
        });
      }
      return named;
    });
  }

  private async unplaced(organisationId: string): Promise<LedgerFault[]> {
    const faults: LedgerFault[] = [];
    for (let after: string | undefined = BEFORE_ALL_DEVICES; after !== undefined; ) {
      const from: string = after;
      const page = await this.database.within(organisationId, async (tx) => {
        const devices = await this.record.devices(tx, from);
        return { last: devices.at(-1), found: await this.record.unplaced(tx, devices) };
      });
      for (const { device, seq, count } of page.found) {
        const detail = `${count} of the stored entries of a device never came in a batch.`;
        faults.push({ code: 'entry-unplaced', device, seq, detail });
      }
      after = page.last;
    }
    return faults;
  }
}

function placeOf({ index }: Fault): number {
  return index ?? Number.POSITIVE_INFINITY;
}

async function faultOf(check: Promise<void>): Promise<LedgerFault | undefined> {
  try {
    await check;
    return undefined;
  } catch (error) {
    if (error instanceof LogFault) return error.fault;
    throw error;
  }
}
