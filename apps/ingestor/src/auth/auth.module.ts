import { Global, Inject, type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { SIGN_IN_POOL } from '../database/database.module.ts';
import type { SignInPool } from '../database/sign-in-pool.ts';
import { AccessGuard } from './access.guard.ts';
import { AccountsService } from './accounts.service.ts';
import { ApiTokenUseRepository } from './api-token-use.repository.ts';
import { AuthenticationService, SIGN_IN } from './authentication.service.ts';
import { MemberNameRepository } from './member-name.repository.ts';
import { SignInAudit } from './sign-in.audit.ts';
import { SignInEvents } from './sign-in.events.ts';
import { signInHandler } from './sign-in.handler.ts';
import { createSignIn, SIGN_IN_PATH, type SignIn } from './sign-in.ts';

@Global()
@Module({
  providers: [
    {
      provide: SIGN_IN,
      inject: [API_CONFIG, SIGN_IN_POOL, SignInAudit, SignInEvents],
      useFactory: (config: ApiConfig, pool: SignInPool, audit: SignInAudit, events: SignInEvents) =>
        createSignIn({
          pool,
          secret: config.authSecret,
          webOrigin: config.webOrigin,
          onSignedIn: (session) => audit.signedIn(session),
          onRefused: (attempt) => audit.refused(attempt),
          onPasswordChanged: (change) => audit.passwordChanged(change),
          onEnded: (session) => {
            events.emit('ended', session);
          },
          onSignedOut: (end) => audit.signedOut(end),
        }),
    },
    SignInAudit,
    SignInEvents,
    MemberNameRepository,
    ApiTokenUseRepository,
    AuthenticationService,
    AccountsService,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [AuthenticationService, AccountsService, SignInEvents],
})
export class AuthModule implements NestModule {
  constructor(
    @Inject(SIGN_IN) private readonly signIn: SignIn,
    @Inject(API_CONFIG) private readonly config: ApiConfig,
  ) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(signInHandler(this.signIn, this.config.webOrigin)).forRoutes(`${SIGN_IN_PATH}/{*path}`);
  }
}
