import { Module } from '@nestjs/common';
import { BudgetLeasesRepository } from '../budgets/budget-leases.repository.ts';
import { BudgetsService } from '../budgets/budgets.service.ts';
import { ConnectionRelay } from '../connections/connection-relay.service.ts';
import { ConnectionWatches } from '../connections/connection-watches.service.ts';
import { IngestDatabase } from '../database/ingest-database.ts';
import { AckCoalescer } from '../desired-state/ack-coalescer.service.ts';
import { AcksRepository } from '../desired-state/acks.repository.ts';
import { BundleCache } from '../desired-state/bundle-cache.service.ts';
import { CommandsRepository } from '../desired-state/commands.repository.ts';
import { CommandsService } from '../desired-state/commands.service.ts';
import { DeliveryService } from '../desired-state/delivery.service.ts';
import { NudgesService } from '../desired-state/nudges.service.ts';
import { StateBundlesRepository } from '../desired-state/state-bundles.repository.ts';
import { SweepService } from '../desired-state/sweep.service.ts';
import { LogFollowers } from '../followers/log-followers.service.ts';
import { LogHeadsRepository } from '../followers/log-heads.repository.ts';
import { AlertsRepository } from '../ingest/alerts.repository.ts';
import { AlertsService } from '../ingest/alerts.service.ts';
import { ApprovalAnnouncer } from '../ingest/approval-announcer.ts';
import { ApprovalsProjection } from '../ingest/approvals.repository.ts';
import { CommitQueue } from '../ingest/commit-queue.service.ts';
import { IncidentsRepository } from '../ingest/incidents.repository.ts';
import { IncidentsService } from '../ingest/incidents.service.ts';
import { IngestService } from '../ingest/ingest.service.ts';
import { InventoryRepository } from '../ingest/inventory.repository.ts';
import { InventoryService } from '../ingest/inventory.service.ts';
import { LedgerRepository } from '../ingest/ledger.repository.ts';
import { LiveEventsService } from '../ingest/live-events.service.ts';
import { SpendRepository } from '../ingest/spend.repository.ts';
import { VerifyPool } from '../ingest/verify-pool.service.ts';
import { DeviceFactsRepository } from '../presence/device-facts.repository.ts';
import { DeviceFactsService } from '../presence/device-facts.service.ts';
import { PresenceService } from '../presence/presence.service.ts';
import { AgentMessagesService } from './agent-messages.service.ts';
import { ContinuityRepository } from './continuity.repository.ts';
import { ContinuityService } from './continuity.service.ts';
import { DeviceDirectoryRepository } from './device-directory.repository.ts';
import { DeviceDirectory } from './device-directory.service.ts';
import { LinkListener } from './link-listener.ts';
import { LinkServer } from './link-server.service.ts';
import { NewestStream } from './newest-stream.service.ts';
import { OpeningService } from './opening.service.ts';
import { StreamRegistry } from './stream-registry.ts';

/** The link role: the parts work on the same streams, so they are one module. */
@Module({
  providers: [
    IngestDatabase,
    // link
    LinkListener,
    LinkServer,
    OpeningService,
    AgentMessagesService,
    StreamRegistry,
    NewestStream,
    ContinuityRepository,
    ContinuityService,
    DeviceDirectory,
    DeviceDirectoryRepository,
    // ingest
    ApprovalAnnouncer,
    ApprovalsProjection,
    IngestService,
    VerifyPool,
    CommitQueue,
    LedgerRepository,
    SpendRepository,
    LiveEventsService,
    AlertsService,
    AlertsRepository,
    IncidentsService,
    IncidentsRepository,
    InventoryService,
    InventoryRepository,
    // budgets
    BudgetsService,
    BudgetLeasesRepository,
    // live connections
    ConnectionRelay,
    ConnectionWatches,
    // followers of the log
    LogFollowers,
    LogHeadsRepository,
    // presence
    PresenceService,
    DeviceFactsService,
    DeviceFactsRepository,
    // desired state
    BundleCache,
    StateBundlesRepository,
    DeliveryService,
    AckCoalescer,
    AcksRepository,
    CommandsService,
    CommandsRepository,
    NudgesService,
    SweepService,
  ],
  exports: [LinkServer],
})
export class LinkModule {}
