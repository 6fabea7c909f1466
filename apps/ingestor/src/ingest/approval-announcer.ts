import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { DeviceIdentity } from '../link/device-directory.service.ts';
import { LIVE_CHANNEL, type LiveMessage } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import type { FollowedRow } from './placed-batch.ts';

/** Ids that one message names; screens fetch lists, so a few are as good as all. */
const MOST_NAMED = 50;

/** Tells the REST side that questions came or ended. */
@Injectable()
export class ApprovalAnnouncer {
  constructor(private readonly redis: RedisConnections) {}

  announce(identity: DeviceIdentity, rows: readonly FollowedRow[]): void {
    const asked = idsOf(rows, 'approval.requested');
    const ended = idsOf(rows, 'approval.decided');
    if (asked.length + ended.length === 0) return;
    const message: LiveMessage = { kind: 'approval', organisation: identity.organisationId, asked, ended };
    this.redis.publish(LIVE_CHANNEL, message);
  }
}

function idsOf(rows: readonly FollowedRow[], type: FollowedRow['entry']['type']): string[] {
  return rows
    .filter(({ entry }) => entry.type === type)
    .map(({ entry }) => z.uuid().safeParse(entry.data.approval))
    .flatMap(({ data }) => data ?? [])
    .slice(0, MOST_NAMED);
}
