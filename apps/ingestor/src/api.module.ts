import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { AuditModule } from './audit/audit.module.ts';
import { AuthModule } from './auth/auth.module.ts';
import { DatabaseModule } from './database/database.module.ts';
import { AnswerInterceptor } from './openapi/answer.interceptor.ts';

/** The REST side's features. */
@Module({
  imports: [DatabaseModule, AuditModule, AuthModule],
  providers: [{ provide: APP_INTERCEPTOR, useClass: AnswerInterceptor }],
})
export class ApiModule {}
