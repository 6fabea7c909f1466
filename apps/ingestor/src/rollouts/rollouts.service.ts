import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { Rollout, RolloutDevice, RolloutPhase } from '@raypher/shared/rest';
import { z } from 'zod';
import { decodeCursor, toPage } from '../database/cursor.ts';
import { PresenceReader } from '../fleet/presence.reader.ts';
import { showRollout, showRolloutDevice } from './rollout.row.ts';
import { RolloutsRepository } from './rollouts.repository.ts';

const RolloutKey = z.tuple([z.iso.datetime(), z.uuid()]);
const DeviceKey = z.tuple([z.string(), z.uuid()]);

@Injectable()
export class RolloutsService {
  constructor(
    private readonly repository: RolloutsRepository,
    private readonly presence: PresenceReader,
  ) {}

  async list(organisationId: string, query: { cursor?: string | undefined; limit: number }) {
    const key = query.cursor === undefined ? undefined : decodeCursor(RolloutKey, query.cursor);
    const before = key === undefined ? undefined : { createdAt: key[0], id: key[1] };
    const rows = await this.repository.list(
      organisationId,
      { before, limit: query.limit },
      await this.connectedIds(organisationId),
    );
    return toPage(rows, query.limit, showRollout, (row) => [row.createdAt.toISOString(), row.id]);
  }

  /** @throws RaypherError `request/not-found` */
  async get(organisationId: string, id: string): Promise<Rollout> {
    const [rollout] = await this.find(organisationId, [id]);
    if (rollout === undefined) throw new RaypherError('request/not-found', 'There is no such rollout.');
    return rollout;
  }

  async find(organisationId: string, ids: readonly string[]): Promise<Rollout[]> {
    const rows = await this.repository.find(organisationId, ids, await this.connectedIds(organisationId));
    return rows.map(showRollout);
  }

  async devices(
    organisationId: string,
    id: string,
    query: { cursor?: string | undefined; limit: number; phase?: RolloutPhase | undefined },
  ): Promise<{ items: RolloutDevice[]; next: string | null }> {
    const key = query.cursor === undefined ? undefined : decodeCursor(DeviceKey, query.cursor);
    const after = key === undefined ? undefined : { hostname: key[0], id: key[1] };
    const rows = await this.repository.devices(
      organisationId,
      id,
      { after, limit: query.limit, phase: query.phase },
      await this.connectedIds(organisationId),
    );
    return toPage(rows, query.limit, showRolloutDevice, (row) => [row.hostname, row.deviceId]);
  }

  private async connectedIds(organisationId: string): Promise<string[]> {
    return [...(await this.presence.connected(organisationId)).keys()];
  }
}
