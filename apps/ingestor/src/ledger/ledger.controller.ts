import { pipeline } from 'node:stream/promises';
import { Controller, Get, Logger, Param, Post, Req, Res } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import {
  CheckpointQuery,
  CheckpointView,
  ConsistencyProof,
  ConsistencyQuery,
  InclusionProof,
  LedgerAudit,
  LedgerEntries,
  LedgerEntriesQuery,
  LedgerEntryView,
  LedgerExportQuery,
  LedgerStatus,
  PageQuery,
  ProofQuery,
  pageOf,
  RestartLog,
} from '@raypher/shared/rest';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { AuditNotes } from '../audit/audit-notes.service.ts';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { Answers, JsonBody, Search } from '../openapi/contract.ts';
import { zipExport } from './export-zip.ts';
import { LedgerService } from './ledger.service.ts';
import { LedgerAuditService } from './ledger-audit.service.ts';
import { LogExportService } from './log-export.service.ts';
import { LogRestartService } from './log-restart.service.ts';

const Size = z.number().int().min(1);

@Controller('v1/ledger')
export class LedgerController {
  private readonly logger = new Logger('Ledger');

  constructor(
    private readonly ledger: LedgerService,
    private readonly exports: LogExportService,
    private readonly audits: LedgerAuditService,
    private readonly restarts: LogRestartService,
    private readonly notes: AuditNotes,
  ) {}

  @Get()
  @Requires('ledger:read')
  @Answers(
    'The log of the organisation: how long, how it was signed, what was found when it was looked at',
    LedgerStatus,
  )
  status(@Caller() caller: Principal) {
    return this.ledger.status(caller.organisation.id);
  }

  @Get('checkpoint')
  @Requires('ledger:read')
  @Answers('A signed checkpoint as text (c2sp.org/tlog-checkpoint), the newest unless a size is given', null)
  async checkpoint(
    @Caller() caller: Principal,
    @Search(CheckpointQuery) query: z.infer<typeof CheckpointQuery>,
    @Res() response: Response,
  ): Promise<void> {
    const note = await this.ledger.checkpoint(caller.organisation.id, query.size);
    response.set({ 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' }).send(note);
  }

  @Get('checkpoints')
  @Requires('ledger:read')
  @Answers('Signed checkpoints, newest first', pageOf(CheckpointView))
  async checkpoints(@Caller() caller: Principal, @Search(PageQuery) query: z.infer<typeof PageQuery>) {
    const before = query.cursor === undefined ? undefined : decodeCursor(Size, query.cursor);
    const rows = await this.ledger.listCheckpoints(caller.organisation.id, before, query.limit);
    return toPage(
      rows,
      query.limit,
      (row) => row,
      ({ size }) => size,
    );
  }

  @Get('proof')
  @Requires('ledger:read')
  @Answers('That an entry is in the log, under a signed checkpoint', InclusionProof)
  proof(@Caller() caller: Principal, @Search(ProofQuery) query: ProofQuery) {
    return this.ledger.prove(caller.organisation.id, query);
  }

  @Get('tlog-proof')
  @Requires('ledger:read')
  @Answers('The same as a file (c2sp.org/tlog-proof)', null)
  async tlogProof(
    @Caller() caller: Principal,
    @Search(ProofQuery) query: ProofQuery,
    @Res() response: Response,
  ): Promise<void> {
    const { text } = await this.ledger.prove(caller.organisation.id, query);
    response.type('text/plain; charset=utf-8').send(text);
  }

  @Get('consistency')
  @Requires('ledger:read')
  @Answers('That the longer log begins with all of the shorter', ConsistencyProof)
  consistency(@Caller() caller: Principal, @Search(ConsistencyQuery) query: ConsistencyQuery) {
    return this.ledger.proveGrowth(caller.organisation.id, query);
  }

  @Get('entries')
  @Requires('ledger:read')
  @Answers('Entries in their places, newest first', LedgerEntries)
  entries(@Caller() caller: Principal, @Search(LedgerEntriesQuery) query: LedgerEntriesQuery) {
    return this.ledger.browse(caller.organisation.id, query);
  }

  @Get('entries/:index')
  @Requires('ledger:read')
  @Answers('One entry, its exact bytes and its hash in the log', LedgerEntryView)
  entry(@Caller() caller: Principal, @Param('index') text: string) {
    const index = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).safeParse(text);
    if (!index.success) throw new RaypherError('request/not-found', 'The log has no such entry.');
    return this.ledger.entry(caller.organisation.id, index.data);
  }

  @Get('tile/*path')
  @Requires('ledger:read')
  @Answers('A tile, or a bundle of entries, by its path in c2sp.org/tlog-tiles', null)
  async tile(@Caller() caller: Principal, @Req() request: Request, @Res() response: Response): Promise<void> {
    const path = request.path.replace(/^\/v1\/ledger\//, '');
    const bytes = await this.ledger.tile(caller.organisation.id, path);
    response.set({
      'Content-Type': 'application/octet-stream',
      'Cache-Control': 'private, max-age=31536000, immutable',
    });
    response.send(Buffer.from(bytes));
  }

  @Get('export')
  @Requires('ledger:read')
  @Answers(
    'A zip for `raypher verify` and other verifiers (docs/ledger-format.md), up to the newest checkpoint',
    null,
  )
  async export(
    @Caller() caller: Principal,
    @Search(LedgerExportQuery) query: LedgerExportQuery,
    @Res() response: Response,
  ): Promise<void> {
    const { from, to, private: privateParts } = query;
    if (privateParts && !caller.permissions.has('audit:read')) {
      throw new RaypherError(
        'auth/forbidden',
        'What entries say about people needs the permission audit:read.',
      );
    }
    const range =
      from === undefined && to === undefined
        ? undefined
        : { from: from ?? 0, to: to ?? Number.MAX_SAFE_INTEGER };
    const source = await this.exports.source(caller.organisation.id, { range, privateParts });
    if (privateParts) {
      await this.notes.write(caller, {
        action: 'ledger.export',
        target: source.origin,
        reason: 'With what entries say about people.',
        after: { size: source.size, ...range },
      });
    }
    response.set({
      'Content-Type': 'application/zip',
      'Content-Disposition': `attachment; filename="ledger-${source.size}.zip"`,
      'Cache-Control': 'no-store, no-transform',
    });
    try {
      await pipeline(zipExport(source), response);
    } catch (error) {
      // The connection is gone, or the database; the client sees that it is cut off.
      this.logger.warn(`An export was not sent to its end: ${String(error)}`);
      response.destroy();
    }
  }

  @Post('restart')
  @Requires('ledger:restart')
  @Answers('Lets a log that was rolled back begin again under another name', LedgerStatus)
  restart(@Caller() caller: Principal, @JsonBody(RestartLog) body: RestartLog) {
    return this.restarts.restart(caller, body);
  }

  @Post('audit')
  @Requires('ledger:audit')
  @Answers('Looks at every entry, hash and signature again, and says what was found', LedgerAudit)
  audit(@Caller() caller: Principal) {
    return this.audits.byHand(caller);
  }
}
