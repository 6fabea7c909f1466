import { Controller, Get } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { EventDetail, EventQuery, EventView, pageOf } from '@raypher/shared/rest';
import { z } from 'zod';
import { Caller, Requires } from '../auth/access.decorators.ts';
import type { Principal } from '../auth/principal.ts';
import { Answers, Search } from '../openapi/contract.ts';
import { IdParameter, NumberParameter } from '../openapi/path-parameters.ts';
import { showEvent } from './event.row.ts';
import { EventsRepository } from './events.repository.ts';

/** The cursor of this list is the position itself: a live view continues from the last row it has. */
const Position = z
  .string()
  .regex(/^\d{1,18}$/, 'a position of this list')
  .transform(BigInt);

@Controller('v1/events')
export class EventsController {
  constructor(private readonly events: EventsRepository) {}

  @Get()
  @Requires('events:read')
  @Answers('Events in the order of arrival, newest first', pageOf(EventView))
  async list(@Caller() caller: Principal, @Search(EventQuery) query: EventQuery) {
    const before = query.cursor === undefined ? undefined : Position.parse(query.cursor);
    const rows = await this.events.page(caller.organisation.id, query, before);
    const items = rows.slice(0, query.limit).map(showEvent);
    return { items, next: rows.length > query.limit ? (items.at(-1)?.position ?? null) : null };
  }

  @Get(':device/:seq')
  @Requires('events:read')
  @Answers('One event with its exact entry and hash', EventDetail)
  async get(
    @Caller() caller: Principal,
    @IdParameter('device') device: string,
    @NumberParameter('seq') seq: number,
  ): Promise<z.infer<typeof EventDetail>> {
    const row = await this.events.find(caller.organisation.id, device, seq);
    if (row === undefined) throw new RaypherError('request/not-found', 'There is no such event.');
    return { ...showEvent(row), hash: Buffer.from(row.hash).toString('hex'), entry: row.entry };
  }
}
