import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, BlockList } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Permission, Role } from '@raypher/shared/rest';
import { createTestDatabase, type TestDatabase } from '@raypher/testkit';
import { SYSTEM } from '../audit/audit.repository.ts';
import type { ApiConfig } from '../config/config.ts';
import { createApp } from '../http/create-app.ts';
import { FoundingService } from '../tenancy/founding.service.ts';
import { MembersService } from '../tenancy/members.service.ts';
import { TestClient } from './test-client.ts';

export const WEB_ORIGIN = 'http://console.test';

/** An organisation of a test, entered by its first administrator. */
export interface TestOrganisation {
  id: string;
  name: string;
  administrator: TestClient;
}

/** The real program in the api role, on real Postgres and Redis, reached over HTTP. */
export class TestApi {
  private constructor(
    readonly app: NestExpressApplication,
    readonly database: TestDatabase,
    readonly config: ApiConfig,
    readonly url: string,
  ) {}

  /** @param options what differs from the usual: a Redis of one's own, to take it away; a TLS port; packages; exports. */
  static async start(
    options: Partial<
      Pick<
        ApiConfig,
        'redisUrl' | 'tlsPort' | 'packagesDirectory' | 'exportDirectory' | 'exportNetworks' | 'archive'
      >
    > = {},
  ): Promise<TestApi> {
    const database = await createTestDatabase();
    const pkiDirectory = await mkdtemp(join(tmpdir(), 'raypher-pki-'));
    const config: ApiConfig = {
      role: 'api',
      httpPort: 0,
      listenHost: '127.0.0.1',
      tlsPort: options.tlsPort ?? 0,
      linkPort: 0,
      linkHost: undefined,
      linkPublicPort: 0,
      pkiDirectory,
      redisUrl: options.redisUrl ?? database.redisUrl,
      publicHosts: ['localhost', '127.0.0.1'],
      logLevel: 'silent',
      databaseUrl: database.urls.app,
      authDatabaseUrl: database.urls.auth,
      authSecret: randomBytes(32).toString('base64url'),
      masterKey: randomBytes(32),
      webOrigin: WEB_ORIGIN,
      packagesDirectory: options.packagesDirectory,
      exportDirectory: options.exportDirectory,
      exportNetworks: options.exportNetworks ?? new BlockList(),
      archive: options.archive,
    };
    const app = await createApp(config);
    await app.listen(0, '127.0.0.1');
    // It listens on TCP, so its address is an AddressInfo.
    const { port } = app.getHttpServer().address() as AddressInfo;
    return new TestApi(app, database, config, `http://127.0.0.1:${port}`);
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.database.drop();
    await rm(this.config.pkiDirectory, { recursive: true, force: true });
  }

  /** An organisation with a CISO who has signed in. */
  async found(name: string): Promise<TestOrganisation> {
    const email = `ciso-${randomUUID()}@example.test`;
    const password = randomBytes(12).toString('base64url');
    const { organisation } = await this.app
      .get(FoundingService, { strict: false })
      .ensure({ organisation: name, email, password });
    return { id: organisation, name, administrator: await this.signIn(email, password) };
  }

  /** Another member of the organisation, signed in. */
  async member(
    organisation: TestOrganisation,
    role: Role,
    teamId: string | null = null,
  ): Promise<TestClient> {
    const { member, password } = await this.app
      .get(MembersService, { strict: false })
      .create(organisation.id, SYSTEM, {
        name: `A ${role}`,
        email: `${role}-${randomUUID()}@example.test`,
        role,
        teamId,
      });
    return this.signIn(member.email, password);
  }

  /** A browser that has not signed in, at an address of its own. */
  browser(address: string): TestClient {
    return new TestClient(this.url, { origin: WEB_ORIGIN, 'x-forwarded-for': address });
  }

  /** An auditor who has not signed in. */
  async somebody(
    { administrator }: TestOrganisation,
    name: string,
  ): Promise<{ email: string; password: string }> {
    const email = `${name}@example.test`;
    const { body } = await administrator.post('/v1/members', { name, email, role: 'auditor' });
    return { email, password: body.password };
  }

  async signIn(email: string, password: string): Promise<TestClient> {
    // Each from an address of its own: the rate limit on sign-in is somebody else's test.
    const client = this.browser(`10.${randomBytes(3).join('.')}`);
    const answer = await client.post('/api/auth/sign-in/email', { email, password });
    if (answer.status !== 200)
      throw new Error(`signing in failed: ${answer.status} ${JSON.stringify(answer.body)}`);
    return client.keeping(answer);
  }

  /** A program with an API token. */
  async program(organisation: TestOrganisation, scopes: Permission[]): Promise<TestClient> {
    const answer = await organisation.administrator.post('/v1/api-tokens', { name: 'a program', scopes });
    return new TestClient(this.url, { authorization: `Bearer ${answer.body.token}` });
  }
}
