import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Permission } from '@raypher/shared/rest';
import type { Request } from 'express';
import type { Principal } from './principal.ts';

/** Metadata key: a {@link Permission}, `'signed-in'` or `'public'`. A handler without it is refused. */
export const ACCESS = 'raypher:access';
export type Access = Permission | 'signed-in' | 'public';

/** The caller needs this permission (packages/shared, permissions.ts). */
export const Requires = (permission: Permission) => SetMetadata(ACCESS, permission satisfies Access);

/** Any authenticated caller. */
export const SignedIn = () => SetMetadata(ACCESS, 'signed-in' satisfies Access);

/** Anybody; the handler authenticates by other means (an enrolment token, a device certificate) or needs none. */
export const Public = () => SetMetadata(ACCESS, 'public' satisfies Access);

export interface AuthenticatedRequest extends Request {
  principal?: Principal;
}

/** The authenticated caller, as a handler's parameter. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (principal === undefined) throw new Error('A handler that wants its caller must not be public.');
  return principal;
});
