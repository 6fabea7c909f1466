import { Module } from '@nestjs/common';
import { FleetModule } from '../fleet/fleet.module.ts';
import { CommandsController } from './commands.controller.ts';
import { CommandsRepository } from './commands.repository.ts';
import { CommandsService } from './commands.service.ts';

@Module({
  imports: [FleetModule],
  controllers: [CommandsController],
  providers: [CommandsRepository, CommandsService],
  exports: [CommandsRepository, CommandsService],
})
export class CommandsModule {}
