import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { keyName, makeCredential } from '@raypher/shared/attestation';
import { type EnrolChallenge, type RenewChallenge, TpmEvidence } from '@raypher/shared/rest';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { EnrolmentChallenge as ChallengeRow } from '../generated/prisma/client.ts';
import { ChallengesRepository } from './challenges.repository.ts';
import { type Evidence, readEvidence } from './tpm-evidence.ts';

export const CHALLENGE_MS = 5 * 60_000;
/**
 * What firmware, its settings, option ROMs, boot loader, partition table and Secure Boot are measured into (TCG PC
 * Client Platform Firmware Profile §3.3.4). Those above belong to the operating system and change with every update.
 */
export const QUOTED_PCRS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];
/**
 * Unanswered, per token: a fleet that enrols at once stays far below. Whoever has the token fills no table with them, and
 * keeps nobody from enrolling: the oldest gives way, and an honest device answers within seconds.
 */
export const MAX_OPEN_PER_TOKEN = 1_000;

export interface TakenChallenge {
  nonce: Buffer;
  pcrs: readonly number[];
}

export interface EnrolmentChallenge extends TakenChallenge {
  /** SHA-256. */
  secretHash: Buffer;
  evidence: Evidence;
}

/** Makes challenges and takes them back, each once. */
@Injectable()
export class ChallengesService {
  constructor(
    private readonly repository: ChallengesRepository,
    private readonly database: TenantDatabase,
  ) {}

  /**
   * Only the TPM with this endorsement key, and only while it holds this attestation key, can open what is asked.
   */
  async openForToken(
    tx: TenantTransaction,
    token: { id: string; organisationId: string },
    shown: TpmEvidence,
    evidence: Evidence,
  ): Promise<EnrolChallenge> {
    await this.repository.makeRoom(tx, token.id, MAX_OPEN_PER_TOKEN - 1);
    const secret = randomBytes(32);
    const challenge = newChallenge(token.organisationId);
    const credential = makeCredential(evidence.endorsementKey, keyName(evidence.attestationKey), secret);
    const id = await this.repository.openForToken(tx, challenge, {
      tokenId: token.id,
      secretHash: createHash('sha256').update(secret).digest(),
      evidence: shown,
      evidenceDigest: evidence.digest,
    });
    return {
      ...show(id, challenge),
      credential: {
        blob: credential.blob.toString('base64'),
        encryptedSeed: credential.encryptedSeed.toString('base64'),
      },
    };
  }

  async openForDevice(
    tx: TenantTransaction,
    device: { id: string; organisationId: string },
  ): Promise<RenewChallenge> {
    const challenge = newChallenge(device.organisationId);
    return show(await this.repository.openForDevice(tx, challenge, device.id), challenge);
  }

  /**
   * In a transaction of its own: a challenge is used up even when the rest of the request fails.
   *
   * @throws RaypherError `enrolment/challenge-unknown`
   */
  async takeForToken(token: { id: string; organisationId: string }, id: string): Promise<EnrolmentChallenge> {
    const row = await this.database.within(token.organisationId, (tx) =>
      this.repository.take(tx, id, { tokenId: token.id }),
    );
    if (row === undefined || row.secretHash === null || row.evidenceDigest === null) throw unknown();
    const evidence = readEvidence(TpmEvidence.parse(row.evidence));
    // What came back from the database is what the device was challenged for, or it is nothing.
    if (!evidence.digest.equals(Buffer.from(row.evidenceDigest))) throw unknown();
    return { ...taken(row), secretHash: Buffer.from(row.secretHash), evidence };
  }

  /** As {@link takeForToken}, for a renewal. */
  async takeForDevice(device: { id: string; organisationId: string }, id: string): Promise<TakenChallenge> {
    const row = await this.database.within(device.organisationId, (tx) =>
      this.repository.take(tx, id, { deviceId: device.id }),
    );
    if (row === undefined) throw unknown();
    return taken(row);
  }
}

function newChallenge(organisationId: string) {
  const expiresAt = new Date(Date.now() + CHALLENGE_MS);
  return { organisationId, nonce: randomBytes(32), pcrs: QUOTED_PCRS, expiresAt };
}

function show(
  challenge: string,
  { nonce, pcrs, expiresAt }: ReturnType<typeof newChallenge>,
): RenewChallenge {
  return {
    challenge,
    nonce: nonce.toString('base64'),
    pcrs: [...pcrs],
    expiresAt: expiresAt.toISOString(),
  };
}

function taken(row: ChallengeRow): TakenChallenge {
  return { nonce: Buffer.from(row.nonce), pcrs: row.pcrs };
}

/** Expired, answered already, made for another token or never made: from outside they all look the same. */
function unknown(): RaypherError {
  return new RaypherError(
    'enrolment/challenge-unknown',
    'This challenge was not made for you, has expired or was answered before.',
    { hint: 'Ask for a new one.' },
  );
}
