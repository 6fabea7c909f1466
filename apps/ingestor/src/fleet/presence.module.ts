import { Global, Module } from '@nestjs/common';
import { PresenceReader } from './presence.reader.ts';

@Global()
@Module({ providers: [PresenceReader], exports: [PresenceReader] })
export class PresenceReaderModule {}
