import { timingSafeEqual } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import type { Alert, RenewChallenge, RenewRequest } from '@raypher/shared/rest';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { Device } from '../generated/prisma/client.ts';
import { plainText } from '../ingest/plain-text.ts';
import { type CertificateRequest, readCertificateRequest } from './certificate-request.ts';
import { ChallengesService } from './challenges.service.ts';
import { DeviceCertificatesService, type Issued } from './device-certificates.service.ts';
import { assertActive, DevicePeerService, pausedDevice } from './device-peer.service.ts';
import { DeviceSightingsService } from './device-sightings.service.ts';
import { DeviceStandingService } from './device-standing.service.ts';
import { EnrolmentRepository } from './enrolment.repository.ts';
import { checkQuote, type ProvenState } from './tpm-proof.ts';

interface Outcome {
  /** Undefined: the device was paused instead. */
  issued: Issued | undefined;
  alerts: Alert[];
}

@Injectable()
export class RenewalService {
  constructor(
    private readonly peers: DevicePeerService,
    private readonly challenges: ChallengesService,
    private readonly certificates: DeviceCertificatesService,
    private readonly repository: EnrolmentRepository,
    private readonly sightings: DeviceSightingsService,
    private readonly standing: DeviceStandingService,
  ) {}

  async challenge(peer: PeerCertificate): Promise<RenewChallenge> {
    const device = await this.peers.identify(peer, 'renewal');
    assertActive(device);
    if (device.tpmAkPublic === null) {
      throw new RaypherError(
        'request/conflict',
        'This device enrolled without a TPM; it has nothing to quote.',
        {
          hint: 'Renew without a challenge, or enrol again with the TPM.',
        },
      );
    }
    return this.peers.within(device, (tx, now) => this.challenges.openForDevice(tx, now));
  }

  /**
   * @param peer the certificate whose key the TLS handshake has proven.
   * @throws RaypherError `device/*` when it is not one that may be renewed.
   */
  async renew(peer: PeerCertificate, request: RenewRequest): Promise<Issued> {
    const device = await this.peers.identify(peer, 'renewal');
    assertActive(device);
    const csr = await readCertificateRequest(request.csr);
    if (!timingSafeEqual(csr.keyFingerprint, Buffer.from(device.keyFingerprint))) {
      throw new RaypherError('device/identity-mismatch', 'A renewal must keep the key of the device.', {
        hint: 'Enrol again to change the key.',
      });
    }
    const state = await this.quoted(device, request);
    const { issued, alerts } = await this.peers.within(device, (tx, now) =>
      this.renewAs(tx, now, csr, state, plainText(request.bootId ?? '', 64)),
    );
    if (alerts.length > 0 || issued === undefined) this.standing.announce(device.organisationId, alerts);
    if (issued === undefined) throw pausedDevice();
    return issued;
  }

  /** @returns undefined for a device without a TPM. */
  private async quoted(device: Device, { tpm: proof }: RenewRequest): Promise<ProvenState | undefined> {
    const { tpmAkPublic } = device;
    if (tpmAkPublic === null) {
      if (proof === undefined) return undefined;
      throw new RaypherError('device/attestation-refused', 'This device enrolled without a TPM.', {
        hint: 'Enrol again to change what it is known by.',
      });
    }
    if (proof === undefined) {
      throw new RaypherError('device/attestation-required', 'A device with a TPM must quote its state.', {
        hint: 'Ask for a challenge with POST /v1/renew/challenge and answer it.',
      });
    }
    const challenge = await this.challenges.takeForDevice(device, proof.challenge);
    return checkQuote(challenge, Buffer.from(tpmAkPublic), proof, 'device/attestation-refused');
  }

  private async renewAs(
    tx: TenantTransaction,
    device: Device,
    csr: CertificateRequest,
    state: ProvenState | undefined,
    bootId: string,
  ): Promise<Outcome> {
    const { id, organisationId } = device;
    assertActive(device);
    const { isSuspect, alerts } = await this.sightings.observe(tx, device, state, bootId);
    if (isSuspect) return { issued: undefined, alerts };
    await this.repository.recordPublicKey(tx, organisationId, id, csr);
    return { issued: await this.certificates.issue(tx, organisationId, id, csr.publicKey), alerts };
  }
}
