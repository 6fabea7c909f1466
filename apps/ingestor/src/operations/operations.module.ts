import { Module } from '@nestjs/common';
import { OperationsListener } from './operations-listener.ts';

@Module({ providers: [OperationsListener], exports: [OperationsListener] })
export class OperationsModule {}
