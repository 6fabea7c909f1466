import { Module } from '@nestjs/common';
import { ApprovalNotices } from './approval-notices.service.ts';
import { ApprovalsModule } from './approvals.module.ts';
import { WebhookSender } from './webhook-sender.ts';

@Module({ imports: [ApprovalsModule], providers: [ApprovalNotices, WebhookSender] })
export class ApprovalNoticesModule {}
