import { Module } from '@nestjs/common';
import { PoliciesModule } from '../policies/policies.module.ts';
import { ForensicKeyController } from './forensic-key.controller.ts';
import { ForensicKeysModule } from './forensic-keys.module.ts';

@Module({ imports: [ForensicKeysModule, PoliciesModule], controllers: [ForensicKeyController] })
export class ForensicKeyModule {}
