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

  /** Returns when it is on the disk. The last one under another name stays beside it: it is evidence. */
  async remember(organisationId: string, note: string): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    for (const older of await this.recall(organisationId)) {
      if (originOf(older) !== originOf(note)) await this.write(keptName(organisationId, older), older);
    }
    this.signed.set(organisationId, note);
    await this.write(`${organisationId}.note`, note);
  }

  /** A person let the log of this name end: the last checkpoint under it is not missed under the next one. */
  async giveUp(organisationId: string, origin: string): Promise<void> {
    for (const note of await this.recall(organisationId)) {
      if (originOf(note) === origin) await this.write(`${keptName(organisationId, note)}.given-up`, note);
    }
  }

  async isGivenUp(organisationId: string, note: string): Promise<boolean> {
    const name = `${keptName(organisationId, note)}.given-up`;
    return originOf((await readPkiFile(this.directory, name)) ?? '') === originOf(note);
  }

  private async write(name: string, note: string): Promise<void> {
    const draft = join(this.directory, `.${name}.${randomBytes(6).toString('hex')}`);
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(note);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, join(this.directory, name));
    const folder = await open(this.directory, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/** The first line of a note. */
function originOf(note: string): string {
  return note.slice(0, note.indexOf('\n'));
}

/** Where the last note of a log that has another name now is kept: by how often its log had begun again. */
function keptName(organisationId: string, note: string): string {
  const [, , generation = '1'] = originOf(note).split('/');
  return `${organisationId}.${Number(generation)}.note`;
}
