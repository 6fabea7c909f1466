import 'reflect-metadata';
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { BlockList } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiConfig } from '../config/config.ts';
import { MetricsService } from '../metrics/metrics.service.ts';
import { InstallationAuthority } from './installation-authority.ts';

let config: ApiConfig;
const started: InstallationAuthority[] = [];

beforeEach(async () => {
  config = {
    role: 'api',
    httpPort: 0,
    tlsPort: 0,
    linkPort: 0,
    linkPublicPort: 0,
    exportNetworks: new BlockList(),
    listenHost: '127.0.0.1',
    pkiDirectory: await mkdtemp(join(tmpdir(), 'raypher-authority-')),
    redisUrl: '',
    databaseUrl: '',
    authDatabaseUrl: '',
    authSecret: '',
    masterKey: randomBytes(32),
    webOrigin: 'https://raypher.example.com',
    linkHost: undefined,
    publicHosts: ['localhost', 'raypher.example.com'],
    logLevel: 'silent',
  };
});
afterEach(async () => {
  for (const authority of started.splice(0)) authority.onApplicationShutdown();
  await rm(config.pkiDirectory, { recursive: true });
});

/** One api process. */
async function start(change: Partial<ApiConfig> = {}) {
  const authority = new InstallationAuthority({ ...config, ...change }, new MetricsService());
  await authority.onModuleInit();
  started.push(authority);
  return authority.serverIdentity;
}

describe('the server certificate of several api processes', () => {
  it('is one: who comes later takes it as it is', async () => {
    const first = await start();
    expect(await start()).toEqual(first);
  });

  it('is made anew when the files of two that renewed at the same time do not belong together', async () => {
    const first = await start();
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    await writeFile(join(config.pkiDirectory, 'server.key'), other.export({ type: 'pkcs8', format: 'pem' }));
    const second = await start();
    expect(second.cert).not.toBe(first.cert);
    expect(new X509Certificate(second.cert).checkPrivateKey(createPrivateKey(second.key))).toBe(true);
    expect(second.ca).toBe(first.ca);
  });

  it('is made anew after its file was removed, under the same root', async () => {
    const first = await start();
    await rm(join(config.pkiDirectory, 'server.crt'));
    const second = await start();
    expect([second.cert === first.cert, second.ca]).toEqual([false, first.ca]);
  });
});
