import { Module } from '@nestjs/common';
import { CommandsModule } from '../commands/commands.module.ts';
import { SecretsController } from './secrets.controller.ts';
import { SecretsService } from './secrets.service.ts';

@Module({ imports: [CommandsModule], controllers: [SecretsController], providers: [SecretsService] })
export class SecretsModule {}
