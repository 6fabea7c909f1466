import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { availableParallelism, hostname } from 'node:os';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';
import type { TimeStampAuthority } from '../ledger/anchors/time-stamp.ts';
import { parseWitnesses, type Witness } from '../ledger/anchors/witness.ts';

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

import { type ArchiveConfig, readArchiveConfig } from '../archive/archive-config.ts';

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

/** Address ranges, separated by commas. */
const networks = z
  .string()
  .default('')
  .transform((list, context) => {
    const ranges = new BlockList();
    for (const range of list.split(',').map((part) => part.trim())) {
      if (range !== '' && !addRange(ranges, range)) {
        context.addIssue(`${range} is not an address range such as 10.20.0.0/16`);
      }
    }
    return ranges;
  });

const shared = {
  /** Plain HTTP for the web server, health and metrics; always on loopback. 0 takes a free port. */
  RAYPHER_HTTP_PORT: port,
  /**
   * Health and metrics for a cluster, plain HTTP on RAYPHER_LISTEN_HOST: only for a network that lets nobody in but who
   * probes and scrapes. Without it they are on loopback alone.
   */
  RAYPHER_OPERATIONS_PORT: port.optional(),
  RAYPHER_REDIS_URL_FILE: path,
  RAYPHER_PKI_DIR: path,
  /** Where TLS and the link listen. Loopback unless somebody decides otherwise. */
  RAYPHER_LISTEN_HOST: z.string().min(1).default('127.0.0.1'),
  RAYPHER_LINK_PORT: port,
  RAYPHER_PUBLIC_HOSTS: hosts,
  /** Base URL of a collector (OTLP/HTTP) that traces are sent to; without it nothing is traced. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional(),
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
  /** Where devices find the link when something in front of it maps another port to it: 443, for instance. */
  RAYPHER_LINK_PUBLIC_PORT: port.min(1).optional(),
  /** What `npm run package` made; without it devices can install nothing from here. */
  RAYPHER_PACKAGES_DIR: path.optional(),
  /** Lines `witness NAME VKEY URL` (c2sp.org/tlog-policy): who cosigns checkpoints. */
  RAYPHER_WITNESSES_FILE: path.optional(),
  /** An authority that stamps a checkpoint once an hour (RFC 3161), and what its certificate must lead to, PEM. */
  RAYPHER_TSA_URL: z.url({ protocol: /^https?$/ }).optional(),
  RAYPHER_TSA_ROOTS_FILE: path.optional(),
  /** Where organisations may export to a file; without it they may not. */
  RAYPHER_EXPORT_DIR: path.optional(),
  /** Ranges of this network that exports may be sent to, such as `10.20.0.0/16`. */
  RAYPHER_EXPORT_NETWORKS: networks,
});

/**
 * The event loop and the database want a core each. Where nothing is left beside them, a thread would take from
 * either what it gives (docs/decisions/0012).
 */
function defaultVerifyThreads(): number {
  return Math.max(0, Math.min(4, availableParallelism() - 2));
}

const LinkEnvironment = z.object({
  ...shared,
  RAYPHER_ROLE: z.literal('link'),
  RAYPHER_INGEST_DATABASE_URL_FILE: path,
  /** Streams admitted per second; more are told to come back later. */
  RAYPHER_LINK_ADMISSIONS_PER_SECOND: z.coerce.number().int().min(1).max(100_000).default(500),
  /** Threads that verify batches; 0 verifies on the event loop. Left out: one for each core but two, see below. */
  RAYPHER_INGEST_WORKERS: z.coerce.number().int().min(0).max(64).default(defaultVerifyThreads()),
  RAYPHER_LINK_SWEEP_SECONDS: z.coerce.number().min(0.05).max(600).default(20),
});

const Environment = z.discriminatedUnion('RAYPHER_ROLE', [ApiEnvironment, LinkEnvironment]);

interface SharedConfig {
  httpPort: number;
  /** Undefined: nobody off this machine probes or scrapes. */
  operationsPort?: number | undefined;
  listenHost: string;
  linkPort: number;
  pkiDirectory: string;
  redisUrl: string;
  /** Names and addresses in the server certificate. */
  publicHosts: string[];
  /** Base URL; undefined turns tracing off. */
  otlpEndpoint?: string | undefined;
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
  /** The port that devices are told. */
  linkPublicPort: number;
  /** Holds `packages.json` and the files it lists. */
  packagesDirectory?: string | undefined;
  /** Who cosigns checkpoints. */
  witnesses?: readonly Witness[];
  timeStampAuthority?: TimeStampAuthority | undefined;
  /** Holds one file per organisation that exports to it. */
  exportDirectory?: string | undefined;
  /** What of this network exports may reach. */
  exportNetworks: BlockList;
  /** Where entries go that outlive the database. */
  archive?: ArchiveConfig | undefined;
}

/** The link side: holds neither key, only its server certificate. */
export interface LinkConfig extends SharedConfig {
  role: 'link';
  ingestDatabaseUrl: string;
  admissionsPerSecond: number;
  /** Threads that verify batches of events; 0 = on the event loop. */
  verifyThreads: number;
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
    operationsPort: data.RAYPHER_OPERATIONS_PORT,
    listenHost: data.RAYPHER_LISTEN_HOST,
    linkPort: data.RAYPHER_LINK_PORT,
    pkiDirectory: data.RAYPHER_PKI_DIR,
    redisUrl: readSecret('RAYPHER_REDIS_URL_FILE', data.RAYPHER_REDIS_URL_FILE),
    publicHosts: publicHosts(data.RAYPHER_PUBLIC_HOSTS),
    otlpEndpoint: data.OTEL_EXPORTER_OTLP_ENDPOINT,
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
      verifyThreads: data.RAYPHER_INGEST_WORKERS,
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
    linkPublicPort: data.RAYPHER_LINK_PUBLIC_PORT ?? data.RAYPHER_LINK_PORT,
    packagesDirectory: data.RAYPHER_PACKAGES_DIR,
    witnesses:
      data.RAYPHER_WITNESSES_FILE === undefined
        ? []
        : parseWitnesses(readSecret('RAYPHER_WITNESSES_FILE', data.RAYPHER_WITNESSES_FILE)),
    timeStampAuthority: readTimeStampAuthority(data.RAYPHER_TSA_URL, data.RAYPHER_TSA_ROOTS_FILE),
    exportDirectory: data.RAYPHER_EXPORT_DIR,
    exportNetworks: data.RAYPHER_EXPORT_NETWORKS,
    archive: readArchiveConfig(environment),
  };
}

/**
 * The name of this machine is only one of them when nobody said any: of several processes that keep one certificate,
 * each has another name, and would issue it anew for itself.
 */
function publicHosts(declared: readonly string[]): string[] {
  const names = declared.length > 0 ? declared : [hostname()];
  return [...new Set(['localhost', '127.0.0.1', '::1', ...names])];
}

function readTimeStampAuthority(
  url: string | undefined,
  rootsFile: string | undefined,
): TimeStampAuthority | undefined {
  if (url === undefined && rootsFile === undefined) return undefined;
  if (url === undefined || rootsFile === undefined) {
    throw new RaypherError('config/invalid', 'RAYPHER_TSA_URL and RAYPHER_TSA_ROOTS_FILE go together.', {
      hint: 'A time stamp is worth what the certificate behind it is: name the roots that you trust.',
    });
  }
  const roots = readSecret('RAYPHER_TSA_ROOTS_FILE', rootsFile).match(PEM_CERTIFICATE) ?? [];
  if (roots.length > 0) return { url, roots };
  throw new RaypherError('config/invalid', `RAYPHER_TSA_ROOTS_FILE has no certificate in it: ${rootsFile}.`);
}

/** @returns whether it is a range */
export function addRange(ranges: BlockList, written: string): boolean {
  const [, address = '', bits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(written) ?? [];
  const family = isIP(address);
  if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) return false;
  ranges.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return true;
}

/** @throws RaypherError `config/invalid` naming the variable, never the content. */
export function readSecret(variable: string, file: string): string {
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
