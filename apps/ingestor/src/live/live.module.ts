import { Module } from '@nestjs/common';
import { AlertsModule } from '../alerts/alerts.module.ts';
import { FleetModule } from '../fleet/fleet.module.ts';
import { OverviewModule } from '../overview/overview.module.ts';
import { LiveGateway } from './live.gateway.ts';
import { LiveConnectionViews } from './live-connections.service.ts';
import { LiveFeed } from './live-feed.service.ts';
import { LiveWatch } from './live-watch.service.ts';

@Module({
  imports: [AlertsModule, FleetModule, OverviewModule],
  providers: [LiveConnectionViews, LiveFeed, LiveGateway, LiveWatch],
})
export class LiveModule {}
