import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);
const path = z.string().min(1);
const hosts = z
  .string()
  .default('')
  .transform((list) =>
    list
      .split(',')
      .map((host) => host.trim())
      .filter((host) => host !== ''),
  );

const shared = {
  /** Plain HTTP for the web server, health and metrics; always on loopback. 0 takes a free port. */
  RAYPHER_HTTP_PORT: port,
  RAYPHER_REDIS_URL_FILE: path,
  RAYPHER_PKI_DIR: path,
  /** Where TLS and the link listen. Loopback unless somebody decides otherwise. */
  RAYPHER_LISTEN_HOST: z.string().min(1).default('127.0.0.1'),
  RAYPHER_LINK_PORT: port,
  RAYPHER_PUBLIC_HOSTS: hosts,
  RAYPHER_LOG_LEVEL: z.enum(['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
};

const ApiEnvironment = z.object({
  ...shared,
  RAYPHER_ROLE: z.literal('api'),
  RAYPHER_TLS_PORT: port,
  RAYPHER_DATABASE_URL_FILE: path,
  RAYPHER_AUTH_DATABASE_URL_FILE: path,
  RAYPHER_MASTER_KEY_FILE: path,
  RAYPHER_AUTH_SECRET_FILE: path,
  RAYPHER_WEB_ORIGIN: z.url(),
  /** Where devices find the link when it is not the host they enrolled at. */
  RAYPHER_LINK_HOST: z.string().optional(),
  /** What `npm run package` made; without it devices can install nothing from here. */
  RAYPHER_PACKAGES_DIR: path.optional(),
});

const LinkEnvironment = z.object({
  ...shared,
  RAYPHER_ROLE: z.literal('link'),
  RAYPHER_INGEST_DATABASE_URL_FILE: path,
  /** Streams admitted per second; more are told to come back later. */
  RAYPHER_LINK_ADMISSIONS_PER_SECOND: z.coerce.number().int().min(1).max(100_000).default(500),
  RAYPHER_LINK_SWEEP_SECONDS: z.coerce.number().min(0.05).max(600).default(20),
});

const Environment = z.discriminatedUnion('RAYPHER_ROLE', [ApiEnvironment, LinkEnvironment]);

interface SharedConfig {
  httpPort: number;
  listenHost: string;
  linkPort: number;
  pkiDirectory: string;
  redisUrl: string;
  /** Names and addresses in the server certificate. */
  publicHosts: string[];
  logLevel: z.infer<typeof shared.RAYPHER_LOG_LEVEL>;
}

/** The REST side: holds the master key and, through it, every signing key. */
export interface ApiConfig extends SharedConfig {
  role: 'api';
  tlsPort: number;
  databaseUrl: string;
  authDatabaseUrl: string;
  authSecret: string;
  /** 32 bytes; encrypts the private keys in the database and in the PKI folder. */
  masterKey: Buffer;
  webOrigin: string;
  linkHost: string | undefined;
  /** Holds `packages.json` and the files it lists. */
  packagesDirectory?: string | undefined;
}

/** The link side: holds neither key, only its server certificate. */
export interface LinkConfig extends SharedConfig {
  role: 'link';
  ingestDatabaseUrl: string;
  admissionsPerSecond: number;
  /** Milliseconds between comparisons of applied with desired state. */
  sweepMs: number;
}

export type Config = ApiConfig | LinkConfig;

/**
 * Reads the environment of a process; secrets come from files, never from variables or arguments.
 *
 * @throws RaypherError `config/invalid` naming every variable that is missing or wrong.
 */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new RaypherError('config/invalid', `The environment is incomplete: ${wrong.join('; ')}.`, {
      hint: 'Start the ingestor through `npm start`, or set these variables as docs/operations says.',
    });
  }
  const { data } = parsed;
  const common: SharedConfig = {
    httpPort: data.RAYPHER_HTTP_PORT,
    listenHost: data.RAYPHER_LISTEN_HOST,
    linkPort: data.RAYPHER_LINK_PORT,
    pkiDirectory: data.RAYPHER_PKI_DIR,
    redisUrl: readSecret('RAYPHER_REDIS_URL_FILE', data.RAYPHER_REDIS_URL_FILE),
    publicHosts: [...new Set(['localhost', '127.0.0.1', '::1', hostname(), ...data.RAYPHER_PUBLIC_HOSTS])],
    logLevel: data.RAYPHER_LOG_LEVEL,
  };
  if (data.RAYPHER_ROLE === 'link') {
    return {
      ...common,
      role: 'link',
      ingestDatabaseUrl: readSecret(
        'RAYPHER_INGEST_DATABASE_URL_FILE',
        data.RAYPHER_INGEST_DATABASE_URL_FILE,
      ),
      admissionsPerSecond: data.RAYPHER_LINK_ADMISSIONS_PER_SECOND,
      sweepMs: data.RAYPHER_LINK_SWEEP_SECONDS * 1000,
    };
  }
  return {
    ...common,
    role: 'api',
    tlsPort: data.RAYPHER_TLS_PORT,
    databaseUrl: readSecret('RAYPHER_DATABASE_URL_FILE', data.RAYPHER_DATABASE_URL_FILE),
    authDatabaseUrl: readSecret('RAYPHER_AUTH_DATABASE_URL_FILE', data.RAYPHER_AUTH_DATABASE_URL_FILE),
    authSecret: readSecret('RAYPHER_AUTH_SECRET_FILE', data.RAYPHER_AUTH_SECRET_FILE),
    masterKey: readMasterKey(data.RAYPHER_MASTER_KEY_FILE),
    webOrigin: new URL(data.RAYPHER_WEB_ORIGIN).origin,
    linkHost: data.RAYPHER_LINK_HOST,
    packagesDirectory: data.RAYPHER_PACKAGES_DIR,
  };
}

function readSecret(variable: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new RaypherError('config/invalid', `${variable} names a file that cannot be read: ${file}.`, {
      hint: 'Check that it exists and that this account may read it.',
      cause,
    });
  }
  if (text === '') throw new RaypherError('config/invalid', `${variable} names an empty file: ${file}.`);
  return text;
}

/** 32 bytes as they are, in hex, or in base64. */
function readMasterKey(file: string): Buffer {
  const text = readSecret('RAYPHER_MASTER_KEY_FILE', file);
  const raw = readFileSync(file);
  if (raw.length === 32) return raw;
  const key = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (key.length === 32) return key;
  throw new RaypherError('config/invalid', 'The master key must be 32 bytes.', {
    hint: 'Write 32 random bytes to the file, raw, in hex or in base64.',
  });
}
