import { Module } from '@nestjs/common';
import { CommandsModule } from '../commands/commands.module.ts';
import { FleetModule } from '../fleet/fleet.module.ts';
import { ConnectionsController } from './connections.controller.ts';
import { CutConnectionsService } from './cut-connections.service.ts';

@Module({
  imports: [CommandsModule, FleetModule],
  controllers: [ConnectionsController],
  providers: [CutConnectionsService],
})
export class ConnectionsModule {}
