import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import {
  type Alert,
  type DeviceStatus,
  type EnrolChallenge,
  type EnrolChallengeRequest,
  type EnrolRequest,
  type EnrolResponse,
  IdentityClass,
  DeviceStatus as Status,
} from '@raypher/shared/rest';
import { AuditRepository } from '../audit/audit.repository.ts';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { TenantDatabase, type TenantTransaction } from '../database/tenant-database.ts';
import type { Device, EnrolmentToken } from '../generated/prisma/client.ts';
import { plainText } from '../ingest/plain-text.ts';
import { OrganisationKeysService } from '../keys/organisation-keys.service.ts';
import { type CertificateRequest, readCertificateRequest } from './certificate-request.ts';
import { ChallengesService } from './challenges.service.ts';
import { DeviceCertificatesService } from './device-certificates.service.ts';
import { DeviceSightingsService } from './device-sightings.service.ts';
import { DeviceStandingService } from './device-standing.service.ts';
import { EnrolmentRepository } from './enrolment.repository.ts';
import { IdentityClassService } from './identity-class.service.ts';
import { NewDeviceService } from './new-device.service.ts';
import { TokenService } from './token.service.ts';
import { type Evidence, readEvidence, spkiFingerprint } from './tpm-evidence.ts';
import { checkEnrolment, type ProvenState } from './tpm-proof.ts';

/** What a TPM has proven: shown before the challenge, and said in answer to it. */
export interface ProvenTpm {
  evidence: Evidence;
  state: ProvenState;
}

interface Member {
  id: string;
  status: DeviceStatus;
  identityClass: IdentityClass;
  alerts: Alert[];
}

@Injectable()
export class EnrolmentService {
  constructor(
    @Inject(API_CONFIG) private readonly config: ApiConfig,
    private readonly tokens: TokenService,
    private readonly challenges: ChallengesService,
    private readonly classes: IdentityClassService,
    private readonly newDevices: NewDeviceService,
    private readonly certificates: DeviceCertificatesService,
    private readonly keys: OrganisationKeysService,
    private readonly repository: EnrolmentRepository,
    private readonly sightings: DeviceSightingsService,
    private readonly standing: DeviceStandingService,
    private readonly audit: AuditRepository,
    private readonly database: TenantDatabase,
  ) {}

  /** The first half of enrolling a TPM. Whoever would be refused in any case hears it here, with nothing written. */
  async challenge(request: EnrolChallengeRequest): Promise<EnrolChallenge> {
    const token = await this.tokens.resolve(request.token);
    const evidence = readEvidence(request.tpm);
    return this.database.within(token.organisationId, async (tx) => {
      const keyFingerprint = spkiFingerprint(evidence.deviceKey);
      const existing = await this.repository.findByKey(tx, token.organisationId, keyFingerprint);
      if (existing === null) this.tokens.assertUsable(token);
      else assertRepetition(existing, token, evidence);
      await this.classes.assess(tx, token.organisationId, evidence);
      return this.challenges.openForToken(tx, token, request.tpm, evidence);
    });
  }

  /**
   * Turns a token and a key into a device. Token use, device, ledger head, certificate and audit entry
   * are one transaction: either all of them exist or none.
   *
   * @param host the name under which the device reached us.
   */
  async enrol(request: EnrolRequest, host: string): Promise<EnrolResponse> {
    const token = await this.tokens.resolve(request.token);
    const csr = await readCertificateRequest(request.csr);
    const tpm = await this.prove(request, token, csr);
    const { organisationId } = token;
    const { alerts, changed, answer } = await this.database.within(organisationId, async (tx) => {
      await this.repository.lock(tx, csr.keyFingerprint, tpm?.evidence);
      const existing = await this.repository.findByKey(tx, organisationId, csr.keyFingerprint);
      const member =
        existing === null
          ? await this.createDevice(tx, token, csr, request, tpm)
          : await this.repeat(tx, existing, token, tpm, request.device.bootId);
      const issued = await this.certificates.issue(tx, organisationId, member.id, csr.publicKey);
      return {
        alerts: member.alerts,
        changed: existing === null || existing.status !== member.status || member.alerts.length > 0,
        answer: {
          device: member.id,
          status: member.status,
          identityClass: member.identityClass,
          ...(await this.organisation(tx, organisationId)),
          ...issued,
          link: { host: this.linkHost(host), port: this.config.linkPublicPort },
        },
      };
    });
    if (changed) this.standing.announce(organisationId, alerts);
    return answer;
  }

  private async prove(
    request: EnrolRequest,
    token: EnrolmentToken,
    csr: CertificateRequest,
  ): Promise<ProvenTpm | undefined> {
    const { tpm: proof, device } = request;
    if ((proof !== undefined) !== (device.identityClass === 'tpm')) {
      throw new RaypherError(
        'enrolment/attestation-refused',
        proof === undefined
          ? 'A device with a TPM has to answer a challenge.'
          : 'A device that says it has no TPM answered a challenge for one.',
        { hint: 'Ask for a challenge first, and send the answer together with the kind "tpm".' },
      );
    }
    if (proof === undefined) return undefined;
    const challenge = await this.challenges.takeForToken(token, proof.challenge);
    const state = checkEnrolment(challenge, proof, Buffer.from(csr.publicKey.rawData));
    return { evidence: challenge.evidence, state };
  }

  private async createDevice(
    tx: TenantTransaction,
    token: EnrolmentToken,
    csr: CertificateRequest,
    request: EnrolRequest,
    tpm: ProvenTpm | undefined,
  ): Promise<Member> {
    const { organisationId } = token;
    // Before the token is used: a refusal costs nothing. Settings and roots may be others than at the challenge.
    const assessment = await this.classes.assess(tx, organisationId, tpm?.evidence);
    await this.tokens.takeUse(tx, token.id);
    const id = randomUUID();
    const facts = plainFacts(request.device);
    const { status, alerts } = await this.newDevices.create(
      tx,
      { id, token, csr, facts, assessment, tpm },
      facts.bootId,
    );
    await this.audit.record(
      tx,
      organisationId,
      { kind: 'system', id: token.id, name: `enrolment token ${token.name}` },
      {
        action: 'device.enrol',
        // Where it is listed, nobody shall take it for a real machine.
        target: facts.simulated === true ? `${facts.hostname} (simulated)` : facts.hostname,
        after: { device: id, status, ...facts, identityClass: assessment.class },
      },
    );
    return { id, status, identityClass: assessment.class, alerts };
  }

  /** As at a renewal: otherwise whoever still has the token could go round what is compared there. */
  private async repeat(
    tx: TenantTransaction,
    { id, organisationId }: Device,
    token: EnrolmentToken,
    tpm: ProvenTpm | undefined,
    bootId = '',
  ): Promise<Member> {
    const existing = await this.repository.lockDevice(tx, organisationId, id);
    if (existing === null) throw new Error('devices are never deleted');
    assertRepetition(existing, token, tpm?.evidence);
    const member = { id, identityClass: IdentityClass.parse(existing.identityClass) };
    const status = Status.parse(existing.status);
    if (status === 'paused') return { ...member, status, alerts: [] };
    const { isSuspect, alerts } = await this.sightings.observe(
      tx,
      existing,
      tpm?.state,
      plainText(bootId, 64),
    );
    return { ...member, status: isSuspect ? 'paused' : status, alerts };
  }

  private async organisation(tx: TenantTransaction, organisationId: string) {
    const policyKeys = await this.keys.policyKeys(tx, organisationId);
    return {
      organisation: {
        id: organisationId,
        name: await this.repository.organisationName(tx, organisationId),
      },
      policyKeys: policyKeys.map((key) => ({
        keyId: key.keyId,
        publicKey: key.publicKey.toString('base64'),
      })),
    };
  }

  private linkHost(host: string): string {
    if (this.config.linkHost !== undefined) return this.config.linkHost;
    return this.config.publicHosts.includes(host) ? host : (this.config.publicHosts[0] ?? 'localhost');
  }
}

/**
 * A device that lost our answer asks again with the same key and token, and, if it has one, the same TPM: it gets the
 * same identity without taking another use.
 */
function assertRepetition(existing: Device, token: EnrolmentToken, evidence: Evidence | undefined): void {
  const sameTpm =
    evidence === undefined
      ? existing.tpmAkPublic === null
      : existing.tpmAkPublic !== null && evidence.attestationKey.equals(Buffer.from(existing.tpmAkPublic));
  const canBeUsed = token.revokedAt === null && token.expiresAt.getTime() > Date.now();
  if (sameTpm && canBeUsed && existing.enrolledWith === token.id && existing.status !== 'revoked') return;
  throw new RaypherError('enrolment/already-enrolled', 'A device with this key is enrolled already.', {
    hint: 'Renew its certificate, or revoke that device first.',
    details: { device: existing.id },
  });
}

/** As the link takes what a device says about itself: nothing in it may disguise what is shown. */
function plainFacts(facts: EnrolRequest['device']): EnrolRequest['device'] {
  return {
    ...facts,
    hostname: plainText(facts.hostname, 255),
    os: plainText(facts.os, 100),
    kernel: plainText(facts.kernel, 200),
    arch: plainText(facts.arch, 32),
    agentVersion: plainText(facts.agentVersion, 64),
    machineId: plainText(facts.machineId, 128),
    ...(facts.bootId === undefined ? {} : { bootId: plainText(facts.bootId, 64) }),
  };
}
