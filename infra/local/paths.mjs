import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Where the programs that npm installed are. */
export const BIN = join(ROOT, 'node_modules', '.bin');

/**
 * Everything one installation on this machine keeps.
 *
 * @param {string} dataDir
 */
export function layout(dataDir) {
  const root = resolve(dataDir);
  return {
    root,
    secrets: join(root, 'secrets'),
    pki: join(root, 'pki'),
    postgres: join(root, 'postgres'),
    redis: join(root, 'redis'),
    agent: join(root, 'agent'),
    demo: join(root, 'demo'),
    logs: join(root, 'logs'),
    lock: join(root, 'start.lock'),
    settings: join(root, 'settings.json'),
  };
}

/** @typedef {ReturnType<typeof layout>} Layout */
