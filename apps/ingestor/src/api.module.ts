import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { AlertsModule } from './alerts/alerts.module.ts';
import { ApiTokensModule } from './api-tokens/api-tokens.module.ts';
import { ApprovalNoticesModule } from './approvals/approval-notices.module.ts';
import { ApprovalsModule } from './approvals/approvals.module.ts';
import { ArchiveModule } from './archive/archive.module.ts';
import { ArchiveWorkerModule } from './archive/archive-worker.module.ts';
import { AuditModule } from './audit/audit.module.ts';
import { AuthModule } from './auth/auth.module.ts';
import { CommandsModule } from './commands/commands.module.ts';
import { ConnectionsModule } from './connections/connections.module.ts';
import { DatabaseModule } from './database/database.module.ts';
import { DatabaseHealth } from './database/database-health.ts';
import { EventsModule } from './events/events.module.ts';
import { ExportModule } from './export/export.module.ts';
import { FleetModule } from './fleet/fleet.module.ts';
import { PresenceReaderModule } from './fleet/presence.module.ts';
import { ForensicKeyModule } from './forensics/forensic-key.module.ts';
import { FreezesModule } from './freeze/freezes.module.ts';
import { CallerTurnsInterceptor } from './http/caller-turns.interceptor.ts';
import { IncidentsModule } from './incidents/incidents.module.ts';
import { JobsModule } from './jobs/jobs.module.ts';
import { LedgerModule } from './ledger/ledger.module.ts';
import { LiveModule } from './live/live.module.ts';
import { LiveChangesModule } from './live/live-changes.module.ts';
import { AnswerInterceptor } from './openapi/answer.interceptor.ts';
import { OpenApiModule } from './openapi/openapi.module.ts';
import { OutboxModule } from './outbox/outbox.module.ts';
import { OverviewModule } from './overview/overview.module.ts';
import { PanicModule } from './panic/panic.module.ts';
import { PoliciesModule } from './policies/policies.module.ts';
import { ProvisioningModule } from './provisioning/provisioning.module.ts';
import { RolloutsModule } from './rollouts/rollouts.module.ts';
import { SecretsModule } from './secrets/secrets.module.ts';
import { SpendModule } from './spend/spend.module.ts';
import { FoundingModule } from './tenancy/founding.module.ts';
import { TenancyModule } from './tenancy/tenancy.module.ts';

/** The REST side's features: what a set-up run needs too. */
@Module({
  imports: [
    DatabaseModule,
    LiveChangesModule,
    AuditModule,
    AuthModule,
    PresenceReaderModule,
    OutboxModule,
    RolloutsModule,
    TenancyModule,
    FoundingModule,
    PoliciesModule,
    FreezesModule,
    ForensicKeyModule,
    PanicModule,
    FleetModule,
    CommandsModule,
    ConnectionsModule,
    SecretsModule,
    ProvisioningModule,
    EventsModule,
    AlertsModule,
    IncidentsModule,
    ApprovalsModule,
    ApiTokensModule,
    OverviewModule,
    SpendModule,
    ArchiveModule,
  ],
  providers: [
    { provide: APP_INTERCEPTOR, useClass: CallerTurnsInterceptor },
    { provide: APP_INTERCEPTOR, useClass: AnswerInterceptor },
  ],
})
export class FeaturesModule {}

/** The REST side as a server: features, live views and jobs. */
@Module({
  imports: [
    FeaturesModule,
    OpenApiModule,
    LedgerModule,
    LiveModule,
    JobsModule,
    ApprovalNoticesModule,
    ExportModule,
    ArchiveWorkerModule,
  ],
  providers: [DatabaseHealth],
})
export class ApiModule {}
