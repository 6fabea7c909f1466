import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

let directory: string;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'raypher-config-'));
  await writeFile(join(directory, 'url'), 'redis://127.0.0.1');
  environment = {
    RAYPHER_ROLE: 'link',
    RAYPHER_HTTP_PORT: '4302',
    RAYPHER_LINK_PORT: '4344',
    RAYPHER_PKI_DIR: directory,
    RAYPHER_REDIS_URL_FILE: join(directory, 'url'),
    RAYPHER_INGEST_DATABASE_URL_FILE: join(directory, 'url'),
  };
});
afterAll(() => rm(directory, { recursive: true }));

describe('the names in the server certificate', () => {
  it('are those that were said, and this machine', () => {
    const { publicHosts } = readConfig({
      ...environment,
      RAYPHER_PUBLIC_HOSTS: 'raypher.example.com, 10.0.0.1',
    });
    expect(publicHosts).toEqual(['localhost', '127.0.0.1', '::1', 'raypher.example.com', '10.0.0.1']);
  });

  it('hold the name of this machine only when nobody said any, because replicas share one certificate', () => {
    expect(readConfig(environment).publicHosts).toEqual(['localhost', '127.0.0.1', '::1', hostname()]);
  });
});
