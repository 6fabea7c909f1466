import { z } from 'zod';
import { readPackagedFile } from './packaged-file.ts';

const manifest = JSON.parse(readPackagedFile('package.json'));

/** The version of this agent, from its package. */
export const AGENT_VERSION = z.object({ version: z.string() }).parse(manifest).version;
