import { Injectable } from '@nestjs/common';
import { type AgentMessage, RaypherError } from '@raypher/shared';
import { BudgetsService } from '../budgets/budgets.service.ts';
import { ConnectionRelay } from '../connections/connection-relay.service.ts';
import { CommandsService } from '../desired-state/commands.service.ts';
import { DeliveryService } from '../desired-state/delivery.service.ts';
import { LogFollowers } from '../followers/log-followers.service.ts';
import { IngestService } from '../ingest/ingest.service.ts';
import { InventoryService } from '../ingest/inventory.service.ts';
import { DeviceFactsService } from '../presence/device-facts.service.ts';
import { PresenceService } from '../presence/presence.service.ts';
import type { DeviceIdentity } from './device-directory.service.ts';
import type { DeviceStream } from './device-stream.ts';

/** Small messages one device may send per second, on average over a tick; bursts of ten times that pass. */
export const MAX_CHATTER = 500;
/** Large ones weigh as much as so many small messages: agents send two and four a second at most. */
const WEIGHT: Partial<Record<NonNullable<AgentMessage['body']>['$case'], number>> = {
  inventory: 50,
  connections: 25,
};

/** Where each message of an open stream goes. */
@Injectable()
export class AgentMessagesService {
  constructor(
    private readonly ingest: IngestService,
    private readonly inventory: InventoryService,
    private readonly presence: PresenceService,
    private readonly facts: DeviceFactsService,
    private readonly delivery: DeliveryService,
    private readonly commands: CommandsService,
    private readonly budgets: BudgetsService,
    private readonly connections: ConnectionRelay,
    private readonly followers: LogFollowers,
  ) {}

  /** @throws RaypherError `link/protocol` for what no agent sends. */
  receive(stream: DeviceStream, identity: DeviceIdentity, body: NonNullable<AgentMessage['body']>): void {
    stream.lastMessageAt = performance.now();
    if (body.$case === 'events') {
      this.ingest.receive(stream, identity, body.value);
      return;
    }
    stream.chatter += WEIGHT[body.$case] ?? 1;
    if (stream.chatter > MAX_CHATTER) {
      throw new RaypherError('link/protocol', 'The device sends more messages than any agent would.');
    }
    switch (body.$case) {
      case 'heartbeat':
        this.presence.heartbeat(identity, body.value);
        this.facts.alive(identity, body.value.posture);
        this.delivery.reported(stream, body.value.applied);
        this.followers.heard(stream, identity, body.value.logSeen);
        return;
      case 'ack':
        this.delivery.acknowledged(stream, body.value);
        return;
      case 'inventory':
        this.inventory.receive(identity, body.value);
        return;
      case 'commandResult':
        void this.commands.finished(stream, identity, body.value);
        return;
      case 'connections':
        this.connections.receive(stream, identity, body.value);
        return;
      case 'budgetReport':
        this.budgets.receive(stream, identity, body.value);
        return;
      case 'hello':
        throw new RaypherError('link/protocol', 'Hello comes once, at the beginning.');
    }
  }
}
