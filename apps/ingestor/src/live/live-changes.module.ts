import { Global, Module } from '@nestjs/common';
import { LiveChanges } from './live-changes.ts';

@Global()
@Module({ providers: [LiveChanges], exports: [LiveChanges] })
export class LiveChangesModule {}
