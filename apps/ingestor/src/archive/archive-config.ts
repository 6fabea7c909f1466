import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';

const ArchiveEnvironment = z.object({
  /** A folder, absolute; or the variables of S3. */
  RAYPHER_ARCHIVE_DIR: z.string().refine(isAbsolute, 'must be an absolute path').optional(),
  RAYPHER_ARCHIVE_S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  RAYPHER_ARCHIVE_S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .optional(),
  RAYPHER_ARCHIVE_S3_PREFIX: z
    .string()
    .regex(/^([\w-]+\/)*[\w-]*$/, 'must be names with / between')
    .default(''),
  RAYPHER_ARCHIVE_S3_REGION: z.string().min(1).default('us-east-1'),
  /** In the format of AWS: `aws_access_key_id = …` and `aws_secret_access_key = …`. */
  RAYPHER_ARCHIVE_S3_CREDENTIALS_FILE: z.string().min(1).optional(),
  RAYPHER_ARCHIVE_S3_PATH_STYLE: z.stringbool().default(true),
  RAYPHER_ARCHIVE_S3_LOCK: z.enum(['compliance', 'governance', 'none']).default('compliance'),
});

export interface FolderArchive {
  kind: 'folder';
  directory: string;
}

export interface S3Archive {
  kind: 's3';
  endpoint: string;
  bucket: string;
  /** Without a slash at its end. */
  prefix: string;
  region: string;
  pathStyle: boolean;
  lock: 'compliance' | 'governance' | 'none';
  accessKeyId: string;
  secretAccessKey: string;
}

export type ArchiveConfig = FolderArchive | S3Archive;

/**
 * Where the archive is, from the environment of the process; undefined when there is none.
 *
 * @throws RaypherError `config/invalid`
 */
export function readArchiveConfig(environment: NodeJS.ProcessEnv): ArchiveConfig | undefined {
  const parsed = ArchiveEnvironment.safeParse(environment);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw invalid(`The archive is not set up right: ${wrong.join('; ')}.`);
  }
  const {
    RAYPHER_ARCHIVE_DIR: directory,
    RAYPHER_ARCHIVE_S3_ENDPOINT: endpoint,
    RAYPHER_ARCHIVE_S3_BUCKET: bucket,
    RAYPHER_ARCHIVE_S3_CREDENTIALS_FILE: credentials,
    ...s3
  } = parsed.data;
  const given = [endpoint, bucket, credentials].filter((value) => value !== undefined);
  if (directory !== undefined && given.length > 0) throw invalid('The archive is a folder or S3, not both.');
  if (directory !== undefined) return { kind: 'folder', directory };
  if (given.length === 0) return undefined;
  if (endpoint === undefined || bucket === undefined || credentials === undefined) {
    throw invalid(
      'An archive in S3 needs RAYPHER_ARCHIVE_S3_ENDPOINT, RAYPHER_ARCHIVE_S3_BUCKET and RAYPHER_ARCHIVE_S3_CREDENTIALS_FILE.',
    );
  }
  const { protocol, hostname } = new URL(endpoint);
  if (protocol === 'http:' && !isLoopback(hostname)) {
    throw invalid('The record goes to an archive by https, unless that is on this machine.');
  }
  return {
    kind: 's3',
    endpoint,
    bucket,
    prefix: s3.RAYPHER_ARCHIVE_S3_PREFIX.replace(/\/$/, ''),
    region: s3.RAYPHER_ARCHIVE_S3_REGION,
    pathStyle: s3.RAYPHER_ARCHIVE_S3_PATH_STYLE,
    lock: s3.RAYPHER_ARCHIVE_S3_LOCK,
    ...readCredentials(credentials),
  };
}

function readCredentials(file: string): Pick<S3Archive, 'accessKeyId' | 'secretAccessKey'> {
  const variable = 'RAYPHER_ARCHIVE_S3_CREDENTIALS_FILE';
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new RaypherError('config/invalid', `${variable} names a file that cannot be read: ${file}.`, {
      hint: 'Check that it exists and that this account may read it.',
      cause,
    });
  }
  const value = (name: string) => new RegExp(`^\\s*${name}\\s*=\\s*(\\S+)\\s*$`, 'mi').exec(text)?.[1];
  const [accessKeyId, secretAccessKey] = [value('aws_access_key_id'), value('aws_secret_access_key')];
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw invalid(
      `${variable} names a file without aws_access_key_id = … and aws_secret_access_key = … in it.`,
    );
  }
  return { accessKeyId, secretAccessKey };
}

function isLoopback(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  return hostname === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

function invalid(message: string): RaypherError {
  return new RaypherError('config/invalid', message, {
    hint: 'docs/retention.md describes the variables of the archive.',
  });
}
