import { Module } from '@nestjs/common';
import { CommandsModule } from '../commands/commands.module.ts';
import { ApprovalsController } from './approvals.controller.ts';
import { ApprovalsRepository } from './approvals.repository.ts';
import { ApprovalsService } from './approvals.service.ts';
import { WebhookSettingsController } from './webhook-settings.controller.ts';
import { WebhookSettings } from './webhook-settings.service.ts';

@Module({
  imports: [CommandsModule],
  controllers: [ApprovalsController, WebhookSettingsController],
  providers: [ApprovalsRepository, ApprovalsService, WebhookSettings],
  exports: [ApprovalsRepository, WebhookSettings],
})
export class ApprovalsModule {}
