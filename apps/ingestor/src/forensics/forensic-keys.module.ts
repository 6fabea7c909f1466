import { Module } from '@nestjs/common';
import { ForensicKeysRepository } from './forensic-keys.repository.ts';

/** The policy takes the public key along; who changes it sends the policy again. */
@Module({ providers: [ForensicKeysRepository], exports: [ForensicKeysRepository] })
export class ForensicKeysModule {}
