import { Injectable } from '@nestjs/common';
import { LedgerEntry, RaypherError } from '@raypher/shared';
import {
  type AcknowledgeIncidents,
  type EraseSamples,
  type Incident,
  type IncidentDetail,
  type IncidentFilter,
  type IncidentOccurrence,
  IncidentOutcome,
  type IncidentQuery,
  IncidentStatus,
  type IncidentTrend,
  type UpdateIncident,
} from '@raypher/shared/rest';
import { z } from 'zod';
import { AuditRepository } from '../audit/audit.repository.ts';
import { labelOf, type Principal } from '../auth/principal.ts';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { showEvent } from '../events/event.row.ts';
import { EventsRepository } from '../events/events.repository.ts';
import { LiveChanges } from '../live/live-changes.ts';
import { type IncidentRow, showIncident } from './incident.row.ts';
import { IncidentsRepository, type OccurrenceRow } from './incidents.repository.ts';
import { maskedSamples } from './masked-samples.ts';
import { policyException } from './policy-exception.ts';

const IncidentKey = z.tuple([z.iso.datetime(), z.uuid()]);
const DAY_MS = 86_400_000;
const TREND_DAYS = 30;
const MOST_TREND_DAYS = 92;

@Injectable()
export class IncidentsService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly incidents: IncidentsRepository,
    private readonly events: EventsRepository,
    private readonly audit: AuditRepository,
    private readonly changes: LiveChanges,
  ) {}

  async list(organisationId: string, query: IncidentQuery) {
    const key = query.cursor === undefined ? undefined : decodeCursor(IncidentKey, query.cursor);
    const before = key === undefined ? undefined : { lastAt: key[0], id: key[1] };
    const rows = await this.incidents.page(organisationId, query, before, query.limit);
    return toPage(rows, query.limit, showIncident, (row) => [row.lastAt.toISOString(), row.id]);
  }

  async read(caller: Principal, id: string): Promise<IncidentDetail> {
    const organisationId = caller.organisation.id;
    const { row, occurrences, changes } = await this.database.within(organisationId, async (tx) => {
      const row = required(await this.incidents.find(tx, id));
      return {
        row,
        occurrences: await this.incidents.occurrences(tx, id),
        changes: await this.incidents.changes(tx, id),
      };
    });
    const incident = showIncident(row);
    const newest = await this.events.find(organisationId, row.deviceId, incident.lastSeq);
    const verdict = newest === undefined ? null : verdictOf(newest.entry);
    return {
      ...incident,
      recent: occurrences.map(showOccurrence),
      changes: changes.map((change) => ({
        at: change.at.toISOString(),
        by: change.byName,
        status: IncidentStatus.parse(change.status),
        note: change.note,
      })),
      verdict,
      exception:
        verdict === null || verdict.layer === 'builtin'
          ? null
          : policyException(incident, verdict.rule, labelOf(caller), Date.now()),
    };
  }

  async update(caller: Principal, id: string, input: UpdateIncident): Promise<Incident> {
    const organisationId = caller.organisation.id;
    const isClosing = input.status === 'resolved' || input.status === 'false-positive';
    if (isClosing && input.note.length < 3) {
      throw new RaypherError('request/invalid', 'Say in a few words why this incident is closed.');
    }
    const by = labelOf(caller);
    const after = await this.database.within(organisationId, async (tx) => {
      const before = required(await this.incidents.lock(tx, id));
      if (before.status === 'resolved' && input.status !== 'resolved') {
        if (await this.incidents.isContinued(tx, id)) {
          throw new RaypherError('request/conflict', 'The same data has opened another incident since.', {
            hint: 'Go on with that one; this one stays resolved.',
          });
        }
      }
      const assignee = input.assignee === undefined ? before.assignee : input.assignee;
      await this.incidents.decide(tx, id, { status: input.status, assignee, by });
      await this.incidents.note(tx, organisationId, [id], { by, status: input.status, note: input.note });
      await this.audit.record(tx, organisationId, caller, {
        action: 'incident.update',
        target: targetOf(before),
        reason: input.note,
        before: { id, status: before.status, assignee: before.assignee },
        after: { id, status: input.status, assignee },
      });
      return required(await this.incidents.find(tx, id));
    });
    this.changes.announce(organisationId, 'incidents', 'audit');
    return showIncident(after);
  }

  /** Those that are open; others are left as they are. */
  async acknowledge(caller: Principal, input: AcknowledgeIncidents): Promise<{ acknowledged: number }> {
    const organisationId = caller.organisation.id;
    const by = labelOf(caller);
    const done = await this.database.within(organisationId, async (tx) => {
      const ids = await this.incidents.acknowledge(tx, input.ids, by);
      if (ids.length === 0) return ids;
      await this.incidents.note(tx, organisationId, ids, { by, status: 'acknowledged', note: input.note });
      await this.audit.record(tx, organisationId, caller, {
        action: 'incident.acknowledge',
        target: `${ids.length} incidents`,
        reason: input.note,
        after: { ids },
      });
      return ids;
    });
    if (done.length > 0) this.changes.announce(organisationId, 'incidents', 'audit');
    return { acknowledged: done.length };
  }

  /** Erases the masked samples of an incident before their time. Entries and their proofs stay. */
  async erase(caller: Principal, id: string, input: EraseSamples): Promise<{ erased: number }> {
    const organisationId = caller.organisation.id;
    const erased = await this.database.within(organisationId, async (tx) => {
      const row = required(await this.incidents.lock(tx, id));
      if (await this.incidents.isHeld(tx, organisationId)) {
        throw new RaypherError('request/conflict', 'Nothing is erased under a legal hold.', {
          hint: 'It counts until seven days after it was lifted (docs/retention.md).',
        });
      }
      const count = await this.incidents.erase(tx, id);
      await this.audit.record(tx, organisationId, caller, {
        action: 'incident.erase',
        target: targetOf(row),
        reason: input.reason,
        after: { id, erased: count },
      });
      return count;
    });
    this.changes.announce(organisationId, 'incidents', 'audit');
    return { erased };
  }

  async trend(organisationId: string, filter: IncidentFilter, now = Date.now()): Promise<IncidentTrend> {
    const end = filter.to === undefined ? now : Date.parse(filter.to);
    const begin = filter.from === undefined ? end - (TREND_DAYS - 1) * DAY_MS : Date.parse(filter.from);
    if (end - begin > MOST_TREND_DAYS * DAY_MS || end < begin) {
      throw new RaypherError('request/invalid', `A trend covers at most ${MOST_TREND_DAYS} days.`);
    }
    const from = new Date(Math.floor(begin / DAY_MS) * DAY_MS);
    const rows = await this.incidents.trend(organisationId, filter, from, new Date(end));
    const days: IncidentTrend['days'] = [];
    for (let at = from.getTime(); at < end; at += DAY_MS) {
      const day = new Date(at).toISOString().slice(0, 10);
      const ofDay = rows.filter((row) => row.day === day);
      days.push({
        day,
        classes: Object.fromEntries(
          ofDay.flatMap((row) => (row.class === null ? [] : [[row.class, Number(row.count)]])),
        ),
        outcomes: Object.fromEntries(
          ofDay.flatMap(({ outcome, count }) =>
            outcome === null ? [] : [[IncidentOutcome.parse(outcome), Number(count)]],
          ),
        ),
      });
    }
    return { days };
  }
}

function required(row: IncidentRow | undefined): IncidentRow {
  if (row === undefined) throw new RaypherError('request/not-found', 'There is no such incident.');
  return row;
}

function targetOf(row: IncidentRow): string {
  return `${row.agentName} → ${row.host}`;
}

function showOccurrence(row: OccurrenceRow): IncidentOccurrence {
  const isThere = row.content !== null && row.expiresAt !== null;
  return {
    event: showEvent(row),
    samples: row.content === null ? [] : maskedSamples(row.content),
    samplesUntil: isThere ? (row.expiresAt?.toISOString() ?? null) : null,
    erasedAt: row.erasedAt?.toISOString() ?? null,
  };
}

function verdictOf(entry: string): IncidentDetail['verdict'] {
  const { verdict } = LedgerEntry.parse(JSON.parse(entry));
  if (verdict === undefined) return null;
  const { rule, layer, reason, mode, revision } = verdict;
  return { rule, layer, reason, mode, revision };
}
