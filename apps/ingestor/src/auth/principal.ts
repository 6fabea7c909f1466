import type { Permission, Role } from '@raypher/shared/rest';

/** Who makes a request, after authentication: one organisation, one set of permissions. */
export interface Principal {
  kind: 'user' | 'api-token';
  /** User id of the sign-in library, or the API token's id. */
  id: string;
  name: string;
  email: string | null;
  organisation: { id: string; name: string };
  /** Null for API tokens: they carry scopes instead. */
  role: Role | null;
  teamId: string | null;
  permissions: ReadonlySet<Permission>;
  /** Where the request came from. */
  address: string;
  /** Of a signed-in user; null for API tokens. */
  sessionId: string | null;
}

/** How a principal is written in `createdBy` columns: an e-mail address, or `API token <name>`. */
export function labelOf(principal: Pick<Principal, 'kind' | 'name' | 'email'>): string {
  return principal.kind === 'api-token' ? `API token ${principal.name}` : (principal.email ?? principal.name);
}
