import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { RaypherError } from '@raypher/shared';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { ACCESS, type Access, type AuthenticatedRequest } from './access.decorators.ts';
import { AuthenticationService } from './authentication.service.ts';
import { changesSomething, isSameOrigin } from './same-origin.ts';

/** Decides every request of the REST API. A handler that says nothing about access is refused. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authentication: AuthenticationService,
    @Inject(API_CONFIG) private readonly config: ApiConfig,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (access === 'public') return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const principal = await this.authentication.authenticate(request.headers, request.ip ?? '');
    if (
      principal.kind === 'user' &&
      changesSomething(request.method) &&
      !isSameOrigin(request.headers, this.config.webOrigin)
    ) {
      throw new RaypherError('auth/forbidden', 'This request does not come from the console.', {
        hint: 'Programs use an API token instead of a session.',
      });
    }
    if (access === undefined) {
      throw new RaypherError('auth/forbidden', 'Nobody has said who may do this, so nobody may.');
    }
    if (access !== 'signed-in' && !principal.permissions.has(access)) {
      throw new RaypherError('auth/forbidden', `You need the permission ${access} for this.`, {
        hint: 'Ask an administrator of your organisation.',
        details: { permission: access },
      });
    }
    request.principal = principal;
    return true;
  }
}
