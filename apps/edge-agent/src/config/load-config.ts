import { existsSync, readFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared/errors';
import { isMissing, whyUnreadable } from '../file-fault.ts';
import { CONFIG_FILES, type Config, ConfigFile, DEFAULT_CONFIG, overlay } from './config.ts';
import { parseConfig } from './parse-config.ts';

/** What was given on the command line; undefined where it was not. */
export interface ConfigFlags {
  config?: string | undefined;
  dataDir?: string | undefined;
  proxyPort?: number | undefined;
}

/** Environment variables and the keys they set. */
const ENVIRONMENT: Record<string, (value: string) => unknown> = {
  RAYPHER_DATA_DIR: (value) => ({ data_dir: value }),
  RAYPHER_PROXY_PORT: (value) => ({ proxy: { port: numeric(value) } }),
  RAYPHER_PROXY_BODY_LIMIT_MIB: (value) => ({ proxy: { body_limit_mib: numeric(value) } }),
  RAYPHER_INVENTORY_INTERVAL_MS: (value) => ({ inventory: { interval_ms: numeric(value) } }),
  RAYPHER_POLICY_LOCAL_FILE: (value) => ({ policy: { local_file: value } }),
  RAYPHER_LINK_PROXY: (value) => ({ link: { proxy: value } }),
  RAYPHER_TPM_TCTI: (value) => ({ tpm: { tcti: value } }),
  RAYPHER_IDENTITY_KEY: (value) => ({ identity: { key: value } }),
  RAYPHER_GUARD_MODE: (value) => ({ guard: { mode: value } }),
  RAYPHER_LOG_LEVEL: (value) => ({ log: { level: value } }),
};

/**
 * The configuration in force: defaults, system file, user file, `--config` (or RAYPHER_CONFIG), environment,
 * flags; the later one wins, key by key.
 *
 * @throws RaypherError `config/invalid`
 */
export function loadConfig(
  flags: ConfigFlags = {},
  environment: NodeJS.ProcessEnv = process.env,
  files: readonly string[] = CONFIG_FILES,
): Config {
  const named = flags.config ?? environment.RAYPHER_CONFIG;
  const present = files.filter((file) => existsSync(file));
  const sources = named === undefined ? present : [...present, named];
  let config = DEFAULT_CONFIG;
  for (const file of sources) config = overlay(config, parseConfig(readText(file), file));
  for (const [name, read] of Object.entries(ENVIRONMENT)) {
    const value = environment[name];
    if (value !== undefined && value !== '') config = overlay(config, fromEnvironment(name, read(value)));
  }
  return {
    ...config,
    dataDir: flags.dataDir ?? config.dataDir,
    proxyPort: flags.proxyPort ?? config.proxyPort,
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) {
      throw new RaypherError('config/invalid', `There is no configuration file ${file}.`, { cause });
    }
    throw new RaypherError(
      'config/invalid',
      `The configuration file ${file} cannot be read: ${whyUnreadable(cause)}.`,
      { hint: 'A TOML file that this account may read is needed.', cause },
    );
  }
}

function fromEnvironment(name: string, keys: unknown): ConfigFile {
  const checked = ConfigFile.safeParse(keys);
  if (checked.success) return checked.data;
  throw new RaypherError(
    'config/invalid',
    `${name}: ${checked.error.issues[0]?.message ?? 'not a valid value'}.`,
  );
}

/** NaN, which no schema accepts, for what is no number. */
function numeric(value: string): number {
  return value.trim() === '' ? Number.NaN : Number(value);
}
