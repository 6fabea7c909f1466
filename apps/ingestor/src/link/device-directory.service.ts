import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { DeviceStatus } from '@raypher/shared/rest';
import { LRUCache } from 'lru-cache';
import { DeviceDirectoryRepository, type DirectoryRow } from './device-directory.repository.ts';
import type { Peer, ProvenCertificate } from './link-listener.ts';

export interface DeviceIdentity {
  organisationId: string;
  deviceId: string;
  teamId: string | null;
  hostname: string;
  simulated: boolean;
  /** As it was announced last; null before the first time. */
  vaultPublicKey: Buffer | null;
  /** What the device signs its batches with. */
  publicKey: KeyObject;
  /** Milliseconds since the epoch: the stream may not outlive its certificate. */
  certificateEndsAt: number;
  /** Milliseconds, monotonic: what is said here was true then. */
  asOf: number;
}

/** How long an answer of the database is believed; a revocation nudge ends it sooner. */
const BELIEVED_MS = 5_000;

/** Longer than any opening takes. */
const REMEMBERED_MS = 60_000;

/** From a proven certificate to the device it stands for. */
@Injectable()
export class DeviceDirectory {
  private readonly rows = new LRUCache<string, DirectoryRow>({ max: 20_000, ttl: BELIEVED_MS });
  /** Device to when it was forgotten, milliseconds, monotonic. */
  private readonly forgotten = new LRUCache<string, number>({ max: 20_000, ttl: REMEMBERED_MS });

  constructor(private readonly repository: DeviceDirectoryRepository) {}

  /** @throws RaypherError `device/*` saying why this certificate is not let in. */
  async identify(peer: Peer): Promise<DeviceIdentity> {
    const certificate = provenCertificate(peer);
    const { fingerprint, device } = certificate;
    const asOf = performance.now();
    const row = await this.find(fingerprint);
    if (device === undefined || row === undefined) throw unknown();
    if (row.certificateRevoked) throw revoked();
    if (row.status !== 'active') throw notAdmitted(row.status);
    if (row.notAfter.getTime() <= Date.now()) throw expired();
    if (row.organisationId !== device.organisation || row.deviceId !== device.device) {
      throw new RaypherError(
        'device/identity-mismatch',
        'The certificate names another device than it was issued to.',
      );
    }
    return {
      organisationId: row.organisationId,
      deviceId: row.deviceId,
      teamId: row.teamId,
      hostname: row.hostname,
      simulated: row.simulated,
      vaultPublicKey: row.vaultPublicKey,
      certificateEndsAt: row.notAfter.getTime(),
      publicKey: certificate.publicKey,
      asOf,
    };
  }

  /** False when the device has changed since it was identified: while its stream was being opened, for instance. */
  isCurrent({ deviceId, asOf }: DeviceIdentity): boolean {
    return asOf > (this.forgotten.get(deviceId) ?? Number.NEGATIVE_INFINITY);
  }

  /** Forgets what was believed about a device. */
  forget(deviceId: string): void {
    this.forgotten.set(deviceId, performance.now());
    for (const [fingerprint, row] of this.rows.entries()) {
      if (row.deviceId === deviceId) this.rows.delete(fingerprint);
    }
  }

  private async find(fingerprint: Buffer): Promise<DirectoryRow | undefined> {
    const key = fingerprint.toString('hex');
    const known = this.rows.get(key);
    if (known !== undefined) return known;
    const askedAt = performance.now();
    const row = await this.repository.findByCertificate(fingerprint);
    // An answer that was under way when the device changed is no answer to the next question. Who waits is asked anew.
    if (
      row?.status === 'active' &&
      askedAt > (this.forgotten.get(row.deviceId) ?? Number.NEGATIVE_INFINITY)
    ) {
      this.rows.set(key, row);
    }
    return row;
  }
}

/** @throws RaypherError `device/certificate-*` unless the peer proved a certificate that leads to our root. */
export function provenCertificate(peer: Peer): ProvenCertificate {
  const { certificate } = peer;
  if (certificate === undefined) {
    throw new RaypherError('device/certificate-missing', 'The link needs a device certificate.', {
      hint: 'Enrol this device first.',
    });
  }
  if (certificate.fault === undefined) return certificate;
  throw certificate.fault === 'CERT_HAS_EXPIRED' ? expired() : unknown();
}

/** Why a device that is known may not connect. */
export function notAdmitted(status: Exclude<DeviceStatus, 'active'>): RaypherError {
  switch (status) {
    case 'pending':
      return new RaypherError('device/pending', 'This device waits for the approval of an administrator.', {
        hint: 'Approve it in the console under Devices.',
      });
    case 'paused':
      return new RaypherError('device/paused', 'This device was paused.', {
        hint: 'An administrator must look at it in the console, and resume or revoke it.',
      });
    case 'revoked':
      return revoked();
  }
}

function revoked(): RaypherError {
  return new RaypherError('device/revoked', 'This device was revoked.', {
    hint: 'An administrator must enrol it again.',
  });
}

export function expired(): RaypherError {
  return new RaypherError('device/certificate-expired', 'The device certificate has expired.', {
    hint: 'Renew it over HTTPS and connect again.',
  });
}

function unknown(): RaypherError {
  return new RaypherError('device/certificate-unknown', 'This certificate was not issued here.', {
    hint: 'Enrol this device again.',
  });
}
