import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { proveConsistency } from '@raypher/ledger';
import { nodePrimitives } from '@raypher/ledger/node';
import { type LogSeen, RaypherError } from '@raypher/shared';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import type { DeviceStream } from '../link/device-stream.ts';
import { logFollowedKey } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import { type LogHead, LogHeadsRepository } from './log-heads.repository.ts';

/** A device is shown how the log has grown this often, at its next heartbeat. */
const SHOWN_EVERY_MS = 10 * 60_000;
/** Where there was nothing to show, or it could not be. */
const AGAIN_AFTER_MS = 5_000;
/** Many devices ask at once; logs are signed every few seconds. */
const HEAD_KEPT_MS = 1000;
/** Longer than the name of any log of ours. */
const LONGEST_ORIGIN = 200;
/** Devices were shown the same few checkpoints, so they need the same few proofs. */
const KEPT_PROOFS = 256;

interface KnownHead {
  readonly readAt: number;
  readonly head: Promise<LogHead | undefined>;
}

/** Shows devices how their organisation's log has grown; they keep what they saw, and say so in their ledgers. */
@Injectable()
export class LogFollowers implements OnApplicationShutdown {
  private readonly logger = new Logger('LogFollowers');
  private readonly heads = new Map<string, KnownHead>();
  private readonly proofs = new Map<string, Promise<Buffer[]>>();
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly repository: LogHeadsRepository,
    private readonly redis: RedisConnections,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.running);
  }

  /** @throws RaypherError `link/protocol` for a log that none of ours is called. */
  heard(stream: DeviceStream, { organisationId }: DeviceIdentity, seen: LogSeen | undefined): void {
    if (seen === undefined) return;
    if (seen.origin.length > LONGEST_ORIGIN || seen.size > Number.MAX_SAFE_INTEGER) {
      throw new RaypherError('link/protocol', 'The device names a log that is none of ours.');
    }
    const said = `${seen.origin} ${seen.size}`;
    if (said !== stream.logSeen) {
      stream.logSeen = said;
      this.track(this.note(organisationId, { origin: seen.origin, size: Number(seen.size) }));
    }
    const now = performance.now();
    if (now < stream.logShownNextAt) return;
    stream.logShownNextAt = now + SHOWN_EVERY_MS;
    const work = this.show(stream, organisationId, { origin: seen.origin, size: Number(seen.size) })
      .then((isShown) => {
        if (!isShown) stream.logShownNextAt = now + AGAIN_AFTER_MS;
      })
      .catch((error: unknown) => {
        stream.logShownNextAt = now + AGAIN_AFTER_MS;
        this.logger.warn({ error, organisation: organisationId }, 'A device was not shown the log');
      });
    this.track(work);
  }

  private track(work: Promise<void>): void {
    const tracked = work.finally(() => this.running.delete(tracked));
    this.running.add(tracked);
  }

  /** For the dashboard. What a device says of a log that is none of ours, or is not so long, counts for nothing. */
  private async note(organisationId: string, seen: { origin: string; size: number }): Promise<void> {
    try {
      const head = await this.head(organisationId, HEAD_KEPT_MS);
      if (head?.origin !== seen.origin || seen.size > head.size || seen.size === 0) return;
      await this.redis.commands.zadd(logFollowedKey(organisationId), 'GT', seen.size, seen.origin);
    } catch {
      // Without the database or Redis nobody is told; the device says it again when it has seen more.
    }
  }

  /** @returns whether there was something to show, and the device took it */
  private async show(
    stream: DeviceStream,
    organisationId: string,
    seen: { origin: string; size: number },
  ): Promise<boolean> {
    const isOlder = (head: LogHead) => head.origin === seen.origin && head.size < seen.size;
    let head = await this.head(organisationId, HEAD_KEPT_MS);
    // Only what is still so when it is read anew is shown to a device that has seen more: it takes it for a crime.
    if (head !== undefined && isOlder(head)) head = await this.head(organisationId, 0);
    if (head === undefined) return false;
    const from = head.origin === seen.origin ? seen.size : 0;
    const consistency = await this.proof(organisationId, from, head);
    const { note, key } = head;
    return stream.showLog({ note, from: BigInt(from), consistency, key });
  }

  private async head(organisationId: string, keptMs: number): Promise<LogHead | undefined> {
    const now = performance.now();
    const known = this.heads.get(organisationId);
    if (known !== undefined && now - known.readAt < keptMs) return known.head;
    const head = this.repository.newest(organisationId);
    this.heads.set(organisationId, { readAt: now, head });
    head.catch(() => this.heads.delete(organisationId));
    return head;
  }

  private proof(organisationId: string, from: number, { origin, size }: LogHead): Promise<Buffer[]> {
    if (from >= size) return Promise.resolve([]);
    const name = `${origin} ${from} ${size}`;
    const known = this.proofs.get(name);
    if (known !== undefined) return known;
    const readTiles = (ids: Parameters<LogHeadsRepository['tiles']>[1]) =>
      this.repository.tiles(organisationId, ids);
    const proof = proveConsistency(from, size, readTiles, nodePrimitives.sha256).then((hashes) =>
      hashes.map((hash) => Buffer.from(hash)),
    );
    const [oldest] = this.proofs.keys();
    if (oldest !== undefined && this.proofs.size >= KEPT_PROOFS) this.proofs.delete(oldest);
    this.proofs.set(name, proof);
    proof.catch(() => this.proofs.delete(name));
    return proof;
  }
}
