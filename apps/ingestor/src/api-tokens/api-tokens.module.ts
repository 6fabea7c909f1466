import { Module } from '@nestjs/common';
import { ApiTokensController } from './api-tokens.controller.ts';
import { ApiTokensRepository } from './api-tokens.repository.ts';
import { ApiTokensService } from './api-tokens.service.ts';

@Module({ controllers: [ApiTokensController], providers: [ApiTokensRepository, ApiTokensService] })
export class ApiTokensModule {}
