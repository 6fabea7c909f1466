import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readArchiveConfig } from './archive-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'raypher-archive-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const secret = randomBytes(20).toString('hex');
const credentials = join(folder, 'credentials');
writeFileSync(credentials, `[default]\naws_access_key_id = AKIDTEST\naws_secret_access_key=${secret}\n`);
const S3 = {
  RAYPHER_ARCHIVE_S3_ENDPOINT: 'https://s3.example',
  RAYPHER_ARCHIVE_S3_BUCKET: 'archive',
  RAYPHER_ARCHIVE_S3_CREDENTIALS_FILE: credentials,
};

describe('the archive in the environment', () => {
  it('is none, a folder, or a bucket', () => {
    expect(readArchiveConfig({})).toBeUndefined();
    expect(readArchiveConfig({ RAYPHER_ARCHIVE_DIR: '/srv/archive' })).toEqual({
      kind: 'folder',
      directory: '/srv/archive',
    });
    expect(readArchiveConfig({ ...S3, RAYPHER_ARCHIVE_S3_PREFIX: 'raypher/prod/' })).toEqual({
      kind: 's3',
      endpoint: 'https://s3.example',
      bucket: 'archive',
      prefix: 'raypher/prod',
      region: 'us-east-1',
      pathStyle: true,
      lock: 'compliance',
      accessKeyId: 'AKIDTEST',
      secretAccessKey: secret,
    });
  });

  it.each([
    ['a relative folder', { RAYPHER_ARCHIVE_DIR: 'archive' }],
    ['both', { RAYPHER_ARCHIVE_DIR: '/srv/archive', ...S3 }],
    ['a bucket without credentials', { ...S3, RAYPHER_ARCHIVE_S3_CREDENTIALS_FILE: undefined }],
    ['credentials that cannot be read', { ...S3, RAYPHER_ARCHIVE_S3_CREDENTIALS_FILE: join(folder, 'none') }],
    ['a prefix that leads out', { ...S3, RAYPHER_ARCHIVE_S3_PREFIX: '../other' }],
    ['an unknown lock', { ...S3, RAYPHER_ARCHIVE_S3_LOCK: 'strong' }],
    ['the record in clear through the network', { ...S3, RAYPHER_ARCHIVE_S3_ENDPOINT: 'http://s3.example' }],
  ])('is refused as %s', (_, environment) => {
    expect(() => readArchiveConfig(environment)).toThrow(expect.objectContaining({ code: 'config/invalid' }));
  });

  it('without the secret in what is said about a wrong file', () => {
    const half = join(folder, 'half');
    writeFileSync(half, `aws_secret_access_key = ${secret}\n`);
    const read = () => readArchiveConfig({ ...S3, RAYPHER_ARCHIVE_S3_CREDENTIALS_FILE: half });
    expect(read).toThrow('aws_access_key_id');
    expect(read).not.toThrow(secret);
  });

  it('reaches a server on this machine without TLS', () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      expect(readArchiveConfig({ ...S3, RAYPHER_ARCHIVE_S3_ENDPOINT: `http://${host}:9000` })).toBeDefined();
    }
  });
});
