import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { periodAt } from '@raypher/policy';
import { type BudgetReport, type CounterLease, type CounterReport, RaypherError } from '@raypher/shared';
import { BundleCache, type ReadyBundle } from '../desired-state/bundle-cache.service.ts';
import { AlertsService } from '../ingest/alerts.service.ts';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import type { DeviceStream } from '../link/device-stream.ts';
import { LIVE_CHANNEL, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { type Answered, BudgetLeasesRepository, type CounterAsk } from './budget-leases.repository.ts';
import { readSharedCounter, sharedLimitOf } from './shared-limits.ts';

/** More than the limits of any policy that a device is in at once. */
const MOST_COUNTERS = 256;
/** A billion dollars: nothing that a policy can say is larger. */
const MOST_MICROS = 1e15;
const NOBODY = '00000000-0000-0000-0000-000000000000';
const PRUNE_EVERY_MS = 60 * 60_000;

interface Received {
  identity: DeviceIdentity;
  report: BudgetReport;
}

/**
 * Lends devices their shares of the limits that they have in common. What a limit is, the organisation's policy says;
 * what time it is, this machine; a device says what it has spent.
 */
@Injectable()
export class BudgetsService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Budgets');
  /** One report of a stream is answered at a time; of those that come meanwhile, the newest. */
  private readonly busy = new WeakMap<DeviceStream, { waiting: Received | undefined }>();
  private readonly running = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly repository: BudgetLeasesRepository,
    private readonly bundles: BundleCache,
    private readonly alerts: AlertsService,
    private readonly redis: RedisConnections,
  ) {}

  onModuleInit(): void {
    const prune = () => void this.repository.prune().catch((error: unknown) => this.logger.warn(error));
    this.timer = setInterval(prune, PRUNE_EVERY_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.running);
  }

  /** @throws RaypherError `link/protocol` for more counters than any agent would name. */
  receive(stream: DeviceStream, identity: DeviceIdentity, report: BudgetReport): void {
    if (report.counters.length > MOST_COUNTERS || report.store.length > 64) {
      throw new RaypherError('link/protocol', 'The device reports more budgets than any agent would.');
    }
    const underWay = this.busy.get(stream);
    if (underWay !== undefined) {
      underWay.waiting = { identity, report };
      return;
    }
    const work = this.answerAll(stream, { identity, report }).finally(() => this.running.delete(work));
    this.running.add(work);
  }

  private async answerAll(stream: DeviceStream, first: Received): Promise<void> {
    const state: { waiting: Received | undefined } = { waiting: undefined };
    this.busy.set(stream, state);
    for (let next: Received | undefined = first; next !== undefined && !stream.ended; ) {
      try {
        await this.answer(stream, next);
      } catch (error) {
        // The device keeps what it has, and asks again.
        this.logger.error({ error, device: next.identity.deviceId }, 'A report of budgets was not answered');
      }
      next = state.waiting;
      state.waiting = undefined;
    }
    this.busy.delete(stream);
  }

  private async answer(stream: DeviceStream, { identity, report }: Received): Promise<void> {
    const { organisationId, deviceId, teamId } = identity;
    const now = new Date();
    const bundle = (await this.bundles.get(organisationId)).for('policy', identity);
    const asks = report.counters.flatMap((counter) => {
      const ask = bundle === undefined ? undefined : toAsk(bundle, counter, teamId, now);
      return ask === undefined ? [] : [{ counter, ask }];
    });
    const answers =
      asks.length === 0
        ? []
        : await this.repository.answer(
            organisationId,
            deviceId,
            report.store,
            asks.map(({ ask }) => ask),
            now,
          );
    const leases = asks.flatMap(({ counter, ask }, index) => {
      const answered = answers[index];
      return answered === undefined || !ask.isRunning ? [] : [toLease(counter, ask, answered, now)];
    });
    stream.lend({ reportId: report.id, nowMs: BigInt(now.getTime()), leases });
    if (asks.length === 0) return;
    const message: LiveMessage = { kind: 'spend', organisation: organisationId };
    this.redis.publish(LIVE_CHANNEL, message);
    for (const [index, { ask }] of asks.entries()) {
      const answered = answers[index];
      if (answered?.isWarningDue === true) await this.warn(identity, ask, answered);
    }
  }

  private warn(
    identity: DeviceIdentity,
    { limit, owner, subject, startsAt }: CounterAsk,
    answered: Answered,
  ) {
    return this.alerts.budgetReached(identity.organisationId, {
      limit: limit.id,
      per: limit.per,
      scope: limit.scope,
      owner,
      subject,
      periodStart: startsAt.toISOString(),
      spentMicros: answered.spent,
      amountMicros: limit.amount,
    });
  }
}

function toAsk(
  bundle: ReadyBundle,
  counter: CounterReport,
  teamId: string | null,
  now: Date,
): CounterAsk | undefined {
  const name = readSharedCounter(counter.counter);
  const limit = name === undefined ? undefined : sharedLimitOf(bundle, name);
  if (name === undefined || limit === undefined) return undefined;
  const { startsAt, endsAt } = periodAt(limit.per, limit.zone, now.getTime());
  const toldStart = Number(counter.periodStartMs);
  // By its clock it is in a period that has not begun: it may wait until it has.
  if (toldStart > startsAt) return undefined;
  const isRunning = toldStart === startsAt;
  return {
    limit,
    owner: limit.layer === 'team' ? (teamId ?? NOBODY) : NOBODY,
    // Which team a device is in is not for the device to say.
    subject:
      limit.scope === 'team'
        ? (teamId ?? NOBODY)
        : limit.scope === 'organisation'
          ? ''
          : (name.subject ?? ''),
    startsAt: new Date(toldStart),
    endsAt: new Date(endsAt),
    isRunning,
    ask: {
      granted: micros(counter.granted),
      spent: micros(counter.spent),
      held: micros(counter.held),
      version: micros(counter.version),
      needed: micros(counter.needed),
      wanted: micros(counter.wanted),
    },
  };
}

function toLease(
  { counter, periodStartMs }: CounterReport,
  { endsAt }: CounterAsk,
  { lease, until }: Answered,
  now: Date,
): CounterLease {
  return {
    counter,
    periodStartMs,
    periodEndMs: BigInt(endsAt.getTime()),
    granted: BigInt(lease.granted),
    version: BigInt(lease.version),
    validMs: BigInt(until.getTime() - now.getTime()),
    spent: BigInt(lease.spent),
  };
}

function micros(value: bigint): number {
  return value > MOST_MICROS ? MOST_MICROS : Number(value);
}
