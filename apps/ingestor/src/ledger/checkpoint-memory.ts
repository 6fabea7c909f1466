import { randomBytes } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { readPkiFile } from '../keys/pki-directory.ts';

/** Folder in RAYPHER_PKI_DIR: a note per organisation. */
const FOLDER = 'checkpoints';

/**
 * The newest checkpoint that was signed for each organisation, kept where a database that is restored from a backup, or
 * edited, does not reach. It is written before the checkpoint is shown to anybody.
 */
@Injectable()
export class CheckpointMemory {
  private readonly directory: string;
  /** Notes of this process: they are there when the files are not any more. */
  private readonly signed = new Map<string, string>();

  constructor(@Inject(API_CONFIG) { pkiDirectory }: ApiConfig) {
    this.directory = join(pkiDirectory, FOLDER);
  }

  /** Signed notes; none when nothing was signed from here. Read anew: another process may have signed. */
  async recall(organisationId: string): Promise<string[]> {
    const stored = await readPkiFile(this.directory, `${organisationId}.note`);
    const signed = this.signed.get(organisationId);
    return [stored, signed === stored ? undefined : signed].filter((note) => note !== undefined);
  }

  /** Returns when it is on the disk. */
  async remember(organisationId: string, note: string): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const name = `${organisationId}.note`;
    const draft = join(this.directory, `.${name}.${randomBytes(6).toString('hex')}`);
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(note);
      await file.sync();
    } finally {
      await file.close();
    }
    this.signed.set(organisationId, note);
    await rename(draft, join(this.directory, name));
    const folder = await open(this.directory, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
