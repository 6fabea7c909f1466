import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createTestDatabase, holdPort, type TestDatabase } from '@raypher/testkit';
import type { Principal } from '../auth/principal.ts';
import { type Config, readConfig } from '../config/config.ts';
import { TenantDatabase } from '../database/tenant-database.ts';
import { TokenService } from '../enrollment/token.service.ts';
import { createApp } from '../http/create-app.ts';
import { TlsListener } from '../http/tls-listener.ts';
import { OrganisationKeysService } from '../keys/organisation-keys.service.ts';
import { LinkServer } from '../link/link-server.service.ts';
import { TestDevice } from './test-device.ts';

export interface InstallationOptions {
  /** Another Redis than the shared one. */
  redisUrl?: string;
  /** Further variables for the link role. */
  linkEnvironment?: Record<string, string>;
}

/** Both roles in this process, on a database of their own: real HTTP, TLS, gRPC, Postgres and Redis. */
export class Installation {
  readonly organisationId = randomUUID();
  tlsPort = 0;
  linkPort = 0;

  private constructor(
    readonly database: TestDatabase,
    readonly directory: string,
    readonly environment: NodeJS.ProcessEnv,
    readonly api: NestExpressApplication,
    public link: NestExpressApplication,
  ) {}

  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const database = await createTestDatabase();
    const directory = await mkdtemp(join(tmpdir(), 'raypher-ingestor-'));
    const file = async (name: string, content: string | Buffer): Promise<string> => {
      await writeFile(join(directory, name), content, { mode: 0o600 });
      return join(directory, name);
    };
    const place = await holdPort();
    const environment: NodeJS.ProcessEnv = {
      RAYPHER_HTTP_PORT: '0',
      RAYPHER_TLS_PORT: '0',
      RAYPHER_LINK_PORT: String(place.port),
      RAYPHER_PKI_DIR: join(directory, 'pki'),
      RAYPHER_REDIS_URL_FILE: await file('redis', options.redisUrl ?? database.redisUrl),
      RAYPHER_DATABASE_URL_FILE: await file('app', database.urls.app),
      RAYPHER_AUTH_DATABASE_URL_FILE: await file('auth', database.urls.auth),
      RAYPHER_INGEST_DATABASE_URL_FILE: await file('ingest', database.urls.ingest),
      RAYPHER_MASTER_KEY_FILE: await file('master', randomBytes(32).toString('hex')),
      RAYPHER_AUTH_SECRET_FILE: await file('secret', randomBytes(32).toString('hex')),
      RAYPHER_WEB_ORIGIN: 'http://localhost:3000',
      RAYPHER_LOG_LEVEL: process.env.RAYPHER_TEST_LOG ?? 'silent',
      ...options.linkEnvironment,
    };
    const api = await createApp(configOf(environment, 'api'));
    const link = await createApp(configOf(environment, 'link'));
    const installation = new Installation(database, directory, environment, api, link);
    await api.listen(0, '127.0.0.1');
    installation.tlsPort = await api.get(TlsListener).listen();
    await link.listen(0, '127.0.0.1');
    await place.letGo();
    installation.linkPort = await link.get(LinkServer).listen();
    await installation.createOrganisation(installation.organisationId, 'Test organisation');
    return installation;
  }

  /** The configuration of one more process of this installation. */
  configOf(role: 'api' | 'link', change: Record<string, string> = {}): Config {
    return configOf({ ...this.environment, ...change }, role);
  }

  get tenants(): TenantDatabase {
    return this.api.get(TenantDatabase);
  }

  async createOrganisation(id: string, name: string): Promise<void> {
    await this.tenants.within(id, async (tx) => {
      await tx.organisation.create({ data: { id, name } });
      await this.api.get(OrganisationKeysService).create(tx, id);
    });
  }

  async createToken(
    options: { maxUses?: number; expiresInMs?: number; organisationId?: string } = {},
  ): Promise<string> {
    const organisationId = options.organisationId ?? this.organisationId;
    return this.tenants.within(organisationId, async (tx) => {
      const { token } = await this.api.get(TokenService).create(tx, organisationId, {
        name: 'test',
        teamId: null,
        maxUses: options.maxUses ?? 1_000,
        expiresAt: new Date(Date.now() + (options.expiresInMs ?? 600_000)),
        createdBy: 'test',
      });
      return token;
    });
  }

  /** Who asks for changes: an API token of the organisation, past the door. */
  async caller(): Promise<Principal> {
    const { organisationId } = this;
    const name = 'test';
    const { id } = await this.tenants.within(organisationId, (tx) =>
      tx.apiToken.create({
        data: { organisationId, name, secretHash: randomBytes(32), scopes: [], createdBy: name },
      }),
    );
    return {
      kind: 'api-token',
      id,
      name,
      email: null,
      address: '127.0.0.1',
      organisation: { id: organisationId, name: 'Test organisation' },
      role: null,
      teamId: null,
      permissions: new Set(),
      sessionId: null,
    };
  }

  /** A device with a key of its own, enrolled over HTTPS. */
  async enrolDevice(token?: string): Promise<TestDevice> {
    return TestDevice.enrol(this.tlsPort, token ?? (await this.createToken()));
  }

  /** Stops the link role and starts it anew on the same port. */
  async restartLink(): Promise<void> {
    await this.link.close();
    this.link = await createApp(configOf(this.environment, 'link'));
    await this.link.listen(0, '127.0.0.1');
    this.linkPort = await this.link.get(LinkServer).listen();
  }

  async stop(): Promise<void> {
    await this.link.close();
    await this.api.close();
    await this.database.drop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

function configOf(environment: NodeJS.ProcessEnv, role: 'api' | 'link'): Config {
  return readConfig({ ...environment, RAYPHER_ROLE: role });
}
