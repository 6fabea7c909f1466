import { Module } from '@nestjs/common';
import { CommandsModule } from '../commands/commands.module.ts';
import { FleetModule } from '../fleet/fleet.module.ts';
import { PanicController } from './panic.controller.ts';
import { PanicService } from './panic.service.ts';

@Module({ imports: [CommandsModule, FleetModule], controllers: [PanicController], providers: [PanicService] })
export class PanicModule {}
