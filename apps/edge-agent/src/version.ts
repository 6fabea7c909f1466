import { readFileSync } from 'node:fs';
import { z } from 'zod';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The version of this agent, from its package. */
export const AGENT_VERSION = z.object({ version: z.string() }).parse(manifest).version;
