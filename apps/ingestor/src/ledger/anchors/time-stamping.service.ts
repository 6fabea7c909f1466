import { Injectable } from '@nestjs/common';
import { parseNote } from '@raypher/ledger';
import { TenantDatabase } from '../../database/tenant-database.ts';
import { CheckpointsRepository } from '../checkpoints.repository.ts';
import { AnchorsRepository } from './anchors.repository.ts';
import { requestTimeStamp, type TimeStampAuthority } from './time-stamp.ts';

/** Authorities that anybody may use ask not to be asked more often. */
const EVERY_MS = 60 * 60_000;

/** Has an authority stamp an organisation's newest checkpoint, at most once an hour, and keeps the token. */
@Injectable()
export class TimeStampingService {
  constructor(
    private readonly database: TenantDatabase,
    private readonly checkpoints: CheckpointsRepository,
    private readonly anchors: AnchorsRepository,
  ) {}

  /**
   * @returns the size of the checkpoint that was stamped; undefined when it was not time, or nothing is new
   * @throws Error when the authority cannot be reached, refuses, or its token does not hold
   */
  async stamp(
    organisationId: string,
    authority: TimeStampAuthority,
    now = Date.now(),
  ): Promise<number | undefined> {
    const name = new URL(authority.url).host;
    const newest = await this.database.within(organisationId, async (tx) => {
      const checkpoint = await this.checkpoints.find(tx);
      const last = await this.anchors.newest(tx, 'rfc3161', name);
      const isDue =
        last === undefined || (last.size !== checkpoint?.size && now - last.at.getTime() >= EVERY_MS);
      return isDue ? checkpoint : undefined;
    });
    if (newest === undefined) return undefined;
    // What is signed: a cosignature that comes later changes nothing about it.
    const { token } = await requestTimeStamp(authority, Buffer.from(parseNote(newest.note).text));
    await this.database.within(organisationId, (tx) =>
      this.anchors.insert(tx, organisationId, { kind: 'rfc3161', name, size: newest.size, content: token }),
    );
    return newest.size;
  }
}
