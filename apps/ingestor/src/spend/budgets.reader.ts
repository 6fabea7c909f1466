import { Injectable } from '@nestjs/common';
import { compilePolicy, isSharedByDevices, parsePolicy, periodAt } from '@raypher/policy';
import { type Budget, type BudgetCounter, type Budgets, PolicyDocuments } from '@raypher/shared/rest';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import { Prisma } from '../generated/prisma/client.ts';

/** Nil: the organisation's own, or no team. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
const MOST_COUNTERS = 100;
const MOST_DEVICES = 50;

interface CounterRow {
  owner: string;
  limitId: string;
  per: string;
  scope: string;
  subject: string;
  periodStart: Date;
  spent: bigint;
  committed: bigint;
}

interface LeaseRow extends Omit<CounterRow, 'committed'> {
  deviceId: string;
  hostname: string;
  granted: bigint;
  until: Date;
  reportedAt: Date;
}

/** What the running policy limits, and what devices told and hold of it. */
@Injectable()
export class BudgetsReader {
  constructor(private readonly database: TenantDatabase) {}

  /** @param team whose limits and devices alone are shown, beside the limits of the organisation */
  read(organisationId: string, team: string | undefined, now = new Date()): Promise<Budgets> {
    return this.database.within(organisationId, async (tx) => {
      const policy = await tx.policyRevision.findFirst({
        where: { stage: { equals: Prisma.DbNull } },
        orderBy: { revision: 'desc' },
      });
      const documents = policy === null ? [] : PolicyDocuments.parse(policy.documents);
      const teams = new Map((await tx.team.findMany()).map(({ id, name }) => [id, name]));
      const limits = documents
        .filter((document) => team === undefined || document.team === undefined || document.team === team)
        .flatMap((document) => limitsOf(document, teams, now));
      const counters = await runningCounters(tx, now);
      const leases = await runningLeases(tx, team, now);
      return {
        revision: Number(policy?.revision ?? 0n),
        limits: limits.map((limit) => ({
          ...limit,
          counters: countersOf(limit, { counters, leases, teams, team }),
        })),
      };
    });
  }
}

function limitsOf(
  { layer, source, team }: PolicyDocuments[number],
  teams: ReadonlyMap<string, string>,
  now: Date,
): Omit<Budget, 'counters'>[] {
  const parsed = parsePolicy(source, { layer });
  if (!parsed.ok) return [];
  const { layers } = compilePolicy({ revision: 0, layers: [parsed] });
  return layers.flatMap(({ mode, financial }) =>
    (financial?.limits ?? []).map(({ id, amount, warnAt, zone, limit: { per, scope } }) => ({
      id,
      layer,
      team: team === undefined ? null : { id: team, name: teams.get(team) ?? '' },
      mode,
      per,
      scope,
      amountMicros: amount,
      warnAtMicros: warnAt ?? null,
      zone,
      resetsAt: per === 'request' ? null : new Date(periodAt(per, zone, now.getTime()).endsAt).toISOString(),
      counted:
        per === 'request'
          ? ('call' as const)
          : isSharedByDevices({ layer, per, scope })
            ? ('shared' as const)
            : ('device' as const),
    })),
  );
}

function countersOf(
  limit: Omit<Budget, 'counters'>,
  known: {
    counters: readonly CounterRow[];
    leases: readonly LeaseRow[];
    teams: ReadonlyMap<string, string>;
    team: string | undefined;
  },
): BudgetCounter[] {
  if (limit.counted !== 'shared') return [];
  const owner = limit.team?.id ?? NOBODY;
  const isOf = (row: Omit<CounterRow, 'committed'>) =>
    row.owner === owner && row.limitId === limit.id && row.per === limit.per && row.scope === limit.scope;
  return known.counters
    .filter(isOf)
    .filter(({ subject }) => limit.scope !== 'team' || known.team === undefined || subject === known.team)
    .slice(0, MOST_COUNTERS)
    .map(({ subject, spent, committed }) => {
      const devices = known.leases.filter((lease) => isOf(lease) && lease.subject === subject);
      return {
        subject: limit.scope === 'organisation' ? null : subject,
        name: limit.scope === 'team' ? (known.teams.get(subject) ?? 'no team') : subject,
        spentMicros: Number(spent),
        lentMicros: Math.max(0, Number(committed - spent)),
        remainingMicros: Math.max(0, limit.amountMicros - Number(committed)),
        devices: devices.slice(0, MOST_DEVICES).map((lease) => ({
          deviceId: lease.deviceId,
          hostname: lease.hostname,
          spentMicros: Number(lease.spent),
          lentMicros: Math.max(0, Number(lease.granted - lease.spent)),
          until: lease.until.toISOString(),
          reportedAt: lease.reportedAt.toISOString(),
        })),
      };
    });
}

function runningCounters(tx: TenantTransaction, now: Date): Promise<CounterRow[]> {
  return tx.$queryRaw<CounterRow[]>`
    SELECT owner::text, limit_id AS "limitId", per, scope, subject, period_start AS "periodStart",
      least(spent, 9000000000000000)::bigint AS spent, least(committed, 9000000000000000)::bigint AS committed
    FROM budget_counters WHERE period_start <= ${now} AND period_end > ${now}
    ORDER BY budget_counters.spent DESC, subject`;
}

function runningLeases(tx: TenantTransaction, team: string | undefined, now: Date): Promise<LeaseRow[]> {
  return tx.$queryRaw<LeaseRow[]>`
    SELECT l.owner::text, l.limit_id AS "limitId", l.per, l.scope, l.subject, l.period_start AS "periodStart",
      l.device_id::text AS "deviceId", d.hostname, sum(l.spent)::bigint AS spent, sum(l.granted)::bigint AS granted,
      max(l.until) AS until, max(l.reported_at) AS "reportedAt"
    FROM budget_leases l JOIN budget_counters c USING (organisation_id, owner, limit_id, per, scope, subject, period_start)
      JOIN devices d ON d.id = l.device_id
    WHERE c.period_start <= ${now} AND c.period_end > ${now}
      AND (${team ?? null}::uuid IS NULL OR d.team_id = ${team ?? null}::uuid)
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY sum(l.spent) DESC LIMIT 5000`;
}
