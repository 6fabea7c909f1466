import { Injectable } from '@nestjs/common';
import { GENESIS_HASH } from '@raypher/ledger';
import type { EnrolRequest } from '@raypher/shared/rest';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { Device, DeviceCertificate } from '../generated/prisma/client.ts';

export interface NewCertificate {
  fingerprint: Buffer;
  serial: string;
  notBefore: Date;
  notAfter: Date;
}

@Injectable()
export class EnrolmentRepository {
  async organisationName(tx: TenantTransaction, organisationId: string): Promise<string> {
    const row = await tx.organisation.findUniqueOrThrow({ where: { id: organisationId } });
    return row.name;
  }

  findActiveByKey(
    tx: TenantTransaction,
    organisationId: string,
    keyFingerprint: Buffer,
  ): Promise<Device | null> {
    return tx.device.findFirst({
      where: { organisationId, keyFingerprint: new Uint8Array(keyFingerprint), status: 'active' },
    });
  }

  /** The device and the beginning of its ledger. */
  async createDevice(
    tx: TenantTransaction,
    device: {
      id: string;
      organisationId: string;
      teamId: string | null;
      enrolledWith: string;
      keyFingerprint: Buffer;
      facts: EnrolRequest['device'];
    },
  ): Promise<void> {
    const { facts, ...row } = device;
    await tx.device.create({
      data: {
        ...row,
        keyFingerprint: new Uint8Array(row.keyFingerprint),
        hostname: facts.hostname,
        os: facts.os,
        kernel: facts.kernel,
        arch: facts.arch,
        agentVersion: facts.agentVersion,
        machineId: facts.machineId,
        identityClass: facts.identityClass,
        simulated: facts.simulated ?? false,
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
}
