import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { Permission, ROLE_PERMISSIONS, Role } from '@raypher/shared/rest';
import { fromNodeHeaders } from 'better-auth/node';
import { CrossTenantRepository } from '../database/cross-tenant.repository.ts';
import { bearerToken, hashApiToken } from './api-token.ts';
import { ApiTokenUseRepository } from './api-token-use.repository.ts';
import type { Principal } from './principal.ts';
import type { SignIn } from './sign-in.ts';

/** Injection token of the configured sign-in library. */
export const SIGN_IN = Symbol('SIGN_IN');

/** Writes `last_used_at` at most this often per token, milliseconds. */
const USE_RECORDED_EVERY_MS = 60_000;

/** From the headers of a request to its principal. Used by REST and by the live socket alike. */
@Injectable()
export class AuthenticationService {
  private readonly logger = new Logger('Authentication');
  private readonly usesRecorded = new Map<string, number>();

  constructor(
    @Inject(SIGN_IN) private readonly signIn: SignIn,
    private readonly crossTenant: CrossTenantRepository,
    private readonly uses: ApiTokenUseRepository,
  ) {}

  /**
   * @param address of the client.
   * @throws RaypherError `auth/required` without a valid session or token.
   */
  async authenticate(headers: IncomingHttpHeaders, address: string): Promise<Principal> {
    // An Authorization header is never ignored in favour of a cookie: what the client sent on purpose counts.
    if (headers.authorization !== undefined) return this.byApiToken(headers.authorization, address);
    return this.bySession(headers, address);
  }

  private async byApiToken(authorization: string, address: string): Promise<Principal> {
    const token = bearerToken(authorization);
    const found = token === undefined ? undefined : await this.crossTenant.apiToken(hashApiToken(token));
    if (found === undefined) {
      throw new RaypherError('auth/required', 'This API token is not valid.', {
        hint: 'Send it as Authorization: Bearer rpk_…',
      });
    }
    if (found.revokedAt !== null) {
      throw new RaypherError('auth/required', 'This API token was revoked.', { hint: 'Create another one.' });
    }
    if (found.expiresAt !== null && found.expiresAt.getTime() <= Date.now()) {
      throw new RaypherError('auth/required', 'This API token has expired.', { hint: 'Create another one.' });
    }
    this.recordUse(found.organisationId, found.id);
    return {
      kind: 'api-token',
      id: found.id,
      name: found.name,
      email: null,
      organisation: { id: found.organisationId, name: found.organisationName },
      role: null,
      teamId: null,
      // A scope that this version does not know grants nothing.
      permissions: new Set(Permission.options.filter((permission) => found.scopes.includes(permission))),
      address,
      sessionId: null,
    };
  }

  private async bySession(headers: IncomingHttpHeaders, address: string): Promise<Principal> {
    const session = await this.signIn.api.getSession({
      headers: fromNodeHeaders(headers),
      query: { disableRefresh: true, disableCookieCache: true },
    });
    if (session === null) throw new RaypherError('auth/required', 'Sign in first.');
    const memberships = await this.crossTenant.memberships(session.user.id);
    const wanted = headers['x-raypher-organisation'];
    const membership =
      wanted === undefined ? memberships[0] : memberships.find((one) => one.organisationId === wanted);
    if (membership === undefined) {
      throw new RaypherError('auth/forbidden', 'You are not a member of this organisation, or no longer.', {
        hint: 'Ask an administrator of the organisation.',
      });
    }
    const role = Role.parse(membership.role);
    return {
      kind: 'user',
      id: session.user.id,
      name: session.user.name,
      email: session.user.email,
      organisation: { id: membership.organisationId, name: membership.organisationName },
      role,
      teamId: membership.teamId,
      permissions: new Set(ROLE_PERMISSIONS[role]),
      address,
      sessionId: session.session.id,
    };
  }

  /** A token that calls every second must not become a row update per second. */
  private recordUse(organisationId: string, tokenId: string): void {
    const now = Date.now();
    if (now - (this.usesRecorded.get(tokenId) ?? 0) < USE_RECORDED_EVERY_MS) return;
    this.usesRecorded.set(tokenId, now);
    this.uses.record(organisationId, tokenId).catch((error: unknown) => {
      this.usesRecorded.delete(tokenId);
      this.logger.warn(`The use of an API token could not be recorded: ${String(error)}`);
    });
  }
}
