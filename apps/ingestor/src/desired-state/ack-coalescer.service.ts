import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { LIVE_CHANNEL, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { type AckPhase, type AckRow, AcksRepository } from './acks.repository.ts';

/** Long enough to gather a fleet's answers, short enough that nobody notices. */
const GATHER_MS = 40;
const RETRY_MS = 1_000;
const MAX_ROWS = 5_000;
const RANK: Record<AckPhase, number> = { received: 1, verified: 2, rejected: 3, applied: 4 };

/** Turns many small acknowledgements into few statements: the furthest phase per device and revision counts. */
@Injectable()
export class AckCoalescer implements OnApplicationShutdown {
  private readonly logger = new Logger('Acks');
  private waiting = new Map<string, AckRow>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly repository: AcksRepository,
    private readonly redis: RedisConnections,
  ) {}

  add(ack: AckRow): void {
    const name = `${ack.deviceId}/${ack.kind}/${ack.revision}`;
    const known = this.waiting.get(name);
    if (known !== undefined && RANK[known.phase] > RANK[ack.phase]) return;
    this.waiting.set(name, ack);
    this.schedule(GATHER_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.running;
    await this.flush();
  }

  private schedule(delayMs: number): void {
    if (this.running !== undefined) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.running = this.flush().then((nextMs) => {
        this.running = undefined;
        if (this.waiting.size > 0) this.schedule(nextMs);
      });
    }, delayMs);
  }

  /** @returns after how many milliseconds to go on when more waits. */
  private async flush(): Promise<number> {
    const names = [...this.waiting.keys()].slice(0, MAX_ROWS);
    const rows = names.flatMap((name) => this.waiting.get(name) ?? []);
    for (const name of names) this.waiting.delete(name);
    if (rows.length === 0) return GATHER_MS;
    try {
      const moved = await this.repository.record(rows);
      for (const [organisation, rollouts] of Map.groupBy(moved, (row) => row.organisationId)) {
        const message: LiveMessage = {
          kind: 'acks',
          organisation,
          rolloutIds: rollouts.map((row) => row.rolloutId),
        };
        this.redis.publish(LIVE_CHANNEL, message);
      }
      return GATHER_MS;
    } catch (error) {
      this.logger.warn(error, 'Acknowledgements could not be written; trying again');
      for (const row of rows) this.putBack(row);
      return RETRY_MS;
    }
  }

  private putBack(ack: AckRow): void {
    const name = `${ack.deviceId}/${ack.kind}/${ack.revision}`;
    const newer = this.waiting.get(name);
    if (newer === undefined || RANK[newer.phase] < RANK[ack.phase]) this.waiting.set(name, ack);
  }
}
