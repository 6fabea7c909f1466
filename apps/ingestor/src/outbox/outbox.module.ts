import { Global, Module } from '@nestjs/common';
import { OutboxRepository } from './outbox.repository.ts';
import { OutboxRelay } from './outbox-relay.service.ts';

@Global()
@Module({ providers: [OutboxRepository, OutboxRelay], exports: [OutboxRepository, OutboxRelay] })
export class OutboxModule {}
