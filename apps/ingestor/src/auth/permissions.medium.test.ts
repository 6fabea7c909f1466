import { ModulesContainer } from '@nestjs/core';
import { Permission, ROLE_PERMISSIONS, Role } from '@raypher/shared/rest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectRoutes } from '../openapi/routes.ts';
import { TestApi, type TestOrganisation } from '../testing/test-api.ts';
import type { TestClient } from '../testing/test-client.ts';
import type { Access } from './access.decorators.ts';

/** Who may do what, written down a second time on purpose: a route that changes must change here too. */
const ACCESS: Record<string, Access> = {
  'get /v1/agents': 'agents:read',
  'get /v1/alerts': 'alerts:read',
  'post /v1/alerts/{id}/resolve': 'alerts:resolve',
  'get /v1/api-tokens': 'api-tokens:manage',
  'post /v1/api-tokens': 'api-tokens:manage',
  'delete /v1/api-tokens/{id}': 'api-tokens:manage',
  'get /v1/approvals': 'approvals:read',
  'get /v1/approvals/{id}': 'approvals:read',
  'post /v1/approvals/{id}/decide': 'approvals:decide',
  'get /v1/audit': 'audit:read',
  'post /v1/audit/{id}/erase': 'audit:erase',
  'post /v1/blast-radius': 'devices:read',
  'get /v1/budgets': 'spend:read',
  'get /v1/devices': 'devices:read',
  'get /v1/devices/{id}': 'devices:read',
  'patch /v1/devices/{id}': 'devices:manage',
  'post /v1/devices/{id}/approve': 'devices:manage',
  'get /v1/devices/{id}/commands': 'devices:read',
  'post /v1/devices/{id}/commands': 'commands:send',
  'post /v1/devices/{id}/connections/{connection}/cut': 'connections:cut',
  'post /v1/devices/{id}/panic': 'agents:panic',
  'post /v1/devices/{id}/pause': 'devices:manage',
  'post /v1/devices/{id}/resume': 'devices:manage',
  'post /v1/devices/{id}/revoke': 'devices:revoke',
  'post /v1/devices/{id}/secrets': 'secrets:push',
  'post /v1/devices/{id}/secrets/revoke': 'secrets:push',
  'post /v1/enroll': 'public',
  'post /v1/enroll/challenge': 'public',
  'get /v1/enrolment-tokens': 'enrolment-tokens:read',
  'post /v1/enrolment-tokens': 'enrolment-tokens:manage',
  'post /v1/enrolment-tokens/artefacts': 'enrolment-tokens:manage',
  'delete /v1/enrolment-tokens/{id}': 'enrolment-tokens:manage',
  'get /v1/events': 'events:read',
  'get /v1/events/{device}/{seq}': 'events:read',
  'get /v1/export/destinations': 'settings:read',
  'post /v1/export/destinations': 'settings:manage',
  'delete /v1/export/destinations/{id}': 'settings:manage',
  'patch /v1/export/destinations/{id}': 'settings:manage',
  'post /v1/export/destinations/{id}/rewind': 'settings:manage',
  'post /v1/export/destinations/{id}/test': 'settings:manage',
  'get /v1/freezes': 'freezes:read',
  'post /v1/freezes': 'freezes:manage',
  'post /v1/freezes/{id}/thaw': 'freezes:manage',
  'get /v1/incidents': 'incidents:read',
  'get /v1/incidents/trend': 'incidents:read',
  'get /v1/incidents/{id}': 'incidents:read',
  'post /v1/incidents/acknowledge': 'incidents:manage',
  'post /v1/incidents/{id}/erase': 'incidents:manage',
  'post /v1/incidents/{id}/status': 'incidents:manage',
  'post /v1/leave': 'public',
  'get /v1/ledger': 'ledger:read',
  'post /v1/ledger/audit': 'ledger:audit',
  'get /v1/ledger/archive': 'settings:read',
  'get /v1/ledger/archive/entries': 'ledger:read',
  'get /v1/ledger/archive/entries/{index}': 'ledger:read',
  'post /v1/ledger/archive/run': 'settings:manage',
  'post /v1/ledger/archive/verify': 'settings:manage',
  'get /v1/ledger/checkpoint': 'ledger:read',
  'get /v1/ledger/checkpoints': 'ledger:read',
  'get /v1/ledger/consistency': 'ledger:read',
  'get /v1/ledger/entries': 'ledger:read',
  'get /v1/ledger/entries/{index}': 'ledger:read',
  'get /v1/ledger/export': 'ledger:read',
  'get /v1/ledger/proof': 'ledger:read',
  'post /v1/ledger/restart': 'ledger:restart',
  'get /v1/ledger/tile/{path}': 'ledger:read',
  'get /v1/ledger/tlog-proof': 'ledger:read',
  'get /v1/me': 'signed-in',
  'get /v1/members': 'members:read',
  'post /v1/members': 'members:manage',
  'patch /v1/members/{userId}': 'members:manage',
  'get /v1/openapi.json': 'public',
  'get /v1/overview': 'overview:read',
  'get /v1/packages': 'enrolment-tokens:read',
  'get /v1/packages/{filename}': 'public',
  'put /v1/policies': 'policies:deploy',
  'post /v1/policies/check': 'policies:read',
  'post /v1/policies/deploy': 'policies:deploy',
  'post /v1/policies/replay': 'policies:deploy',
  'get /v1/policies/revisions': 'policies:read',
  'get /v1/policies/revisions/{revision}': 'policies:read',
  'post /v1/policies/rollback': 'policies:deploy',
  'get /v1/policies/running': 'policies:read',
  'post /v1/policies/stage/promote': 'policies:deploy',
  'post /v1/policies/stage/withdraw': 'policies:deploy',
  'get /v1/prices': 'spend:read',
  'put /v1/prices': 'policies:deploy',
  'post /v1/renew': 'public',
  'post /v1/renew/challenge': 'public',
  'get /v1/rollouts': 'policies:read',
  'get /v1/rollouts/{id}': 'policies:read',
  'get /v1/rollouts/{id}/devices': 'policies:read',
  'get /v1/settings/approvals': 'settings:read',
  'put /v1/settings/approvals': 'settings:manage',
  'get /v1/settings/forensics': 'settings:read',
  'put /v1/settings/forensics': 'settings:manage',
  'get /v1/settings/identity': 'settings:read',
  'put /v1/settings/identity': 'settings:manage',
  'post /v1/settings/legal-holds': 'settings:manage',
  'post /v1/settings/legal-holds/{id}/lift': 'settings:manage',
  'get /v1/settings/record-retention': 'settings:read',
  'put /v1/settings/record-retention': 'settings:manage',
  'get /v1/settings/retention': 'settings:read',
  'put /v1/settings/retention': 'settings:manage',
  'get /v1/settings/tpm-roots': 'settings:read',
  'post /v1/settings/tpm-roots': 'settings:manage',
  'patch /v1/settings/tpm-roots/{fingerprint}': 'settings:manage',
  'get /v1/spend': 'spend:read',
  'get /v1/spend/series': 'spend:read',
  'get /v1/teams': 'teams:read',
  'post /v1/teams': 'teams:manage',
};

const NOBODY = '00000000-0000-4000-8000-000000000000';
const GUARDED = Object.entries(ACCESS).filter(([, access]) => access !== 'public');

let api: TestApi;
let acme: TestOrganisation;

beforeAll(async () => {
  api = await TestApi.start();
  acme = await api.found('Acme');
});
afterAll(() => api.stop());

/** A request that is well-formed enough to be decided, and does nothing when it is allowed. */
function call(client: TestClient, route: string) {
  const [method = '', path = ''] = route.split(' ');
  const filled = path.replaceAll(/\{(revision|seq)\}/g, '999').replaceAll(/\{\w+\}/g, NOBODY);
  return client.request(
    method.toUpperCase(),
    filled,
    method === 'get' || method === 'delete' ? undefined : {},
  );
}

describe('the permission table', () => {
  it('names every route there is, and each says the same about itself', () => {
    const routes = collectRoutes(api.app.get(ModulesContainer));
    const actual = Object.fromEntries(routes.map((route) => [`${route.method} ${route.path}`, route.access]));
    expect(actual).toEqual(ACCESS);
  });

  it.each(Role.options)('a %s is let through exactly where the role allows it', async (role) => {
    const client = await api.member(acme, role);
    for (const [route, access] of GUARDED) {
      const { status, body } = await call(client, route);
      const isAllowed =
        access === 'signed-in' || ROLE_PERMISSIONS[role].some((permission) => permission === access);
      if (isAllowed) expect([200, 400, 404], `${role}: ${route}: ${JSON.stringify(body)}`).toContain(status);
      else expect([status, body.error.code], `${role}: ${route}`).toEqual([403, 'auth/forbidden']);
    }
  });

  // Thousands of requests.
  it('a program is let through exactly where its scopes allow it', { timeout: 120_000 }, async () => {
    for (const scope of Permission.options) {
      const client = await api.program(acme, [scope]);
      for (const [route, access] of GUARDED) {
        const { status } = await call(client, route);
        const isAllowed = access === 'signed-in' || access === scope;
        expect(status === 403, `${scope}: ${route}: ${status}`).toBe(!isAllowed);
      }
    }
  });

  it('without a session or a token every guarded route wants one', async () => {
    const nobody = acme.administrator.without('cookie');
    for (const [route] of GUARDED) {
      const { status, body } = await call(nobody, route);
      expect([status, body.error.code], route).toEqual([401, 'auth/required']);
    }
  });

  it('a route that does not exist is a JSON 404', async () => {
    const { status, body } = await acme.administrator.get('/v1/nothing-here');
    expect([status, body.error.code]).toEqual([404, 'request/not-found']);
  });
});
