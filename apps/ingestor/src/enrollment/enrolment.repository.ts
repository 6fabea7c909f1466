import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { GENESIS_HASH } from '@raypher/ledger';
import type { EnrolRequest } from '@raypher/shared/rest';
import { toJson } from '../database/json.ts';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { Device, DeviceCertificate, Prisma } from '../generated/prisma/client.ts';
import { plainText } from '../ingest/plain-text.ts';
import { ControlEntriesRepository } from '../ledger/control-entries.repository.ts';
import type { CertificateRequest } from './certificate-request.ts';
import type { Assessment } from './identity-class.service.ts';
import { type Evidence, spkiFingerprint } from './tpm-evidence.ts';
import type { ProvenState } from './tpm-proof.ts';

export interface NewCertificate {
  fingerprint: Buffer;
  serial: string;
  notBefore: Date;
  notAfter: Date;
}

export interface NewDevice {
  id: string;
  organisationId: string;
  teamId: string | null;
  enrolledWith: string;
  status: 'pending' | 'active' | 'paused';
  pauseReason: string | null;
  csr: CertificateRequest;
  facts: EnrolRequest['device'];
  assessment: Assessment;
  tpm: { evidence: Evidence; state: ProvenState } | undefined;
}

@Injectable()
export class EnrolmentRepository {
  constructor(private readonly control: ControlEntriesRepository) {}

  async organisationName(tx: TenantTransaction, organisationId: string): Promise<string> {
    const row = await tx.organisation.findUniqueOrThrow({ where: { id: organisationId } });
    return row.name;
  }

  /**
   * Until this transaction ends, no other enrols this key or with this endorsement key: of two at once the second
   * finds what the first has made.
   */
  async lock(tx: TenantTransaction, keyFingerprint: Buffer, evidence: Evidence | undefined): Promise<void> {
    await lock(tx, `key:${keyFingerprint.toString('hex')}`);
    if (evidence !== undefined) {
      await lock(tx, `endorsement:${spkiFingerprint(evidence.endorsementKey).toString('hex')}`);
    }
  }

  /** The device with this key, unless it was revoked. */
  findByKey(tx: TenantTransaction, organisationId: string, keyFingerprint: Buffer): Promise<Device | null> {
    return tx.device.findFirst({
      where: {
        organisationId,
        keyFingerprint: new Uint8Array(keyFingerprint),
        status: { not: 'revoked' },
      },
    });
  }

  /** Devices whose TPM has this endorsement key, unless they were revoked. */
  findByEndorsementKey(tx: TenantTransaction, organisationId: string, evidence: Evidence): Promise<Device[]> {
    return tx.device.findMany({
      where: {
        organisationId,
        tpmEkKey: new Uint8Array(spkiFingerprint(evidence.endorsementKey)),
        status: { not: 'revoked' },
      },
      orderBy: { id: 'asc' },
    });
  }

  /** The device and the beginning of its ledger. */
  async createDevice(tx: TenantTransaction, device: NewDevice): Promise<void> {
    const { facts, csr, assessment, tpm } = device;
    await tx.device.create({
      data: {
        id: device.id,
        organisationId: device.organisationId,
        teamId: device.teamId,
        enrolledWith: device.enrolledWith,
        status: device.status,
        pauseReason: device.pauseReason,
        pausedAt: device.status === 'paused' ? new Date() : null,
        keyFingerprint: new Uint8Array(csr.keyFingerprint),
        publicKey: new Uint8Array(csr.publicKey.rawData),
        hostname: facts.hostname,
        os: facts.os,
        kernel: facts.kernel,
        arch: facts.arch,
        agentVersion: facts.agentVersion,
        machineId: facts.machineId,
        identityClass: assessment.class,
        identityReason: assessment.reason,
        simulated: facts.simulated ?? false,
        ...(tpm === undefined ? {} : { ...tpmColumns(tpm.evidence, assessment), ...stateColumns(tpm.state) }),
      },
      select: { id: true },
    });
    await tx.deviceChain.create({
      data: {
        deviceId: device.id,
        organisationId: device.organisationId,
        lastHash: new Uint8Array(Buffer.from(GENESIS_HASH, 'hex')),
      },
      select: { deviceId: true },
    });
    await this.recordKey(tx, device.organisationId, device.id, csr);
  }

  async recordState(tx: TenantTransaction, deviceId: string, state: ProvenState): Promise<void> {
    await tx.device.updateMany({
      where: { id: deviceId },
      data: { ...stateColumns(state), tpmCountsForgotten: false },
    });
  }

  /** Devices of before 0003 have no public key yet. */
  async recordPublicKey(
    tx: TenantTransaction,
    organisationId: string,
    deviceId: string,
    csr: CertificateRequest,
  ): Promise<void> {
    const { count } = await tx.device.updateMany({
      where: { id: deviceId, publicKey: null },
      data: { publicKey: new Uint8Array(csr.publicKey.rawData) },
    });
    if (count > 0) await this.recordKey(tx, organisationId, deviceId, csr);
  }

  /** Into the log, before anything that the key signs: SubjectPublicKeyInfo, base64. */
  private async recordKey(
    tx: TenantTransaction,
    organisationId: string,
    device: string,
    csr: CertificateRequest,
  ): Promise<void> {
    await this.control.add(tx, organisationId, {
      kind: 'device-key',
      body: { device, publicKey: Buffer.from(csr.publicKey.rawData).toString('base64') },
    });
  }

  async recordCertificate(
    tx: TenantTransaction,
    organisationId: string,
    deviceId: string,
    certificate: NewCertificate,
  ): Promise<void> {
    await tx.deviceCertificate.create({
      data: {
        ...certificate,
        fingerprint: new Uint8Array(certificate.fingerprint),
        organisationId,
        deviceId,
      },
      select: { serial: true },
    });
  }

  findCertificate(tx: TenantTransaction, fingerprint: Buffer): Promise<DeviceCertificate | null> {
    return tx.deviceCertificate.findUnique({ where: { fingerprint: new Uint8Array(fingerprint) } });
  }

  findDevice(tx: TenantTransaction, organisationId: string, id: string): Promise<Device | null> {
    return tx.device.findFirst({ where: { organisationId, id } });
  }

  /** The same, and nobody else changes it until this transaction ends. */
  async lockDevice(tx: TenantTransaction, organisationId: string, id: string): Promise<Device | null> {
    await tx.$queryRaw`SELECT 1 AS locked FROM devices WHERE id = ${id}::uuid FOR NO KEY UPDATE`;
    return this.findDevice(tx, organisationId, id);
  }
}

async function lock(tx: TenantTransaction, name: string): Promise<void> {
  await tx.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${name}, 0))::text AS locked`;
}

function tpmColumns(evidence: Evidence, { chain, root }: Assessment) {
  return {
    tpmEkPublic: new Uint8Array(evidence.endorsementKey),
    tpmEkFingerprint: new Uint8Array(createHash('sha256').update(evidence.endorsementKey).digest()),
    tpmEkKey: new Uint8Array(spkiFingerprint(evidence.endorsementKey)),
    tpmAkPublic: new Uint8Array(evidence.attestationKey),
    tpmChain: toJson(
      chain.map((certificate) => ({
        // Nobody has to have signed it: names in it are a stranger's words.
        subject: plainText(certificate.subject ?? '', 500),
        issuer: plainText(certificate.issuer ?? '', 500),
        notAfter: certificate.validToDate.toISOString(),
        fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      })),
    ),
    ...(root === null
      ? {}
      : {
          tpmRootFingerprint: new Uint8Array(Buffer.from(root.fingerprint, 'hex')),
          tpmRootManufacturer: root.manufacturer,
          tpmRootKind: root.kind,
        }),
  };
}

function stateColumns(state: ProvenState) {
  return {
    tpmPcrs: toJson(state.pcrs),
    tpmQuotedAt: new Date(),
    tpmResetCount: BigInt(state.resetCount),
    tpmRestartCount: BigInt(state.restartCount),
    tpmFirmware: state.firmware,
  } satisfies Prisma.DeviceUpdateManyMutationInput;
}
