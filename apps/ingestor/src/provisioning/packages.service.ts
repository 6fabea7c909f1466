import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { AgentPackage } from '@raypher/shared/rest';
import { z } from 'zod';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';

const FILENAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;
const PackageList = z
  .array(
    AgentPackage.extend({ filename: z.string().regex(FILENAME), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  )
  .max(50);

/** What devices install: the files that `npm run package` listed, as they were when this process started. */
@Injectable()
export class PackagesService implements OnModuleInit {
  private readonly logger = new Logger('Packages');
  private readonly served = new Map<string, AgentPackage>();

  constructor(@Inject(API_CONFIG) private readonly config: ApiConfig) {}

  async onModuleInit(): Promise<void> {
    const folder = this.config.packagesDirectory;
    if (folder === undefined) return;
    for (const listed of await readList(folder)) {
      const problem = await findProblem(join(folder, listed.filename), listed);
      if (problem === undefined) this.served.set(listed.filename, listed);
      else this.logger.error(`${listed.filename} is not served: ${problem}`);
    }
  }

  list(): AgentPackage[] {
    return [...this.served.values()];
  }

  /** @returns its path; only files in the list have one. */
  find(filename: string): { path: string; described: AgentPackage } {
    const described = this.served.get(filename);
    const folder = this.config.packagesDirectory;
    if (described === undefined || folder === undefined) {
      throw new RaypherError('request/not-found', 'There is no such package here.');
    }
    return { path: join(folder, described.filename), described };
  }
}

async function readList(folder: string): Promise<AgentPackage[]> {
  try {
    return PackageList.parse(JSON.parse(await readFile(join(folder, 'packages.json'), 'utf8')));
  } catch (cause) {
    throw new RaypherError('config/invalid', `RAYPHER_PACKAGES_DIR has no usable packages.json: ${folder}.`, {
      hint: 'Make it with `npm run package`.',
      cause,
    });
  }
}

async function findProblem(path: string, listed: AgentPackage): Promise<string | undefined> {
  try {
    if ((await stat(path)).size !== listed.bytes) return 'it has another size than its entry says';
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path)) hash.update(chunk);
    return hash.digest('hex') === listed.sha256 ? undefined : 'it has another SHA-256 than its entry says';
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be read';
  }
}
