import { Injectable } from '@nestjs/common';
import { type Alert, PcrValues } from '@raypher/shared/rest';
import type { TenantTransaction } from '../database/tenant-database.ts';
import type { Device } from '../generated/prisma/client.ts';
import { DeviceBootsRepository, SUSPECT_BOOTS } from './device-boots.repository.ts';
import { DeviceHistoryRepository } from './device-history.repository.ts';
import { DeviceStandingService } from './device-standing.service.ts';
import { EnrolmentRepository } from './enrolment.repository.ts';
import type { ProvenState } from './tpm-proof.ts';

/** Firmware, and what decides which boot loaders it starts: nothing that changes with an ordinary update. */
const GRAVE_PCRS = ['0', '7'];

export interface Sighting {
  /** True: there may be two machines, and the device was paused. */
  isSuspect: boolean;
  alerts: Alert[];
}

/** Compares a device that asks for its next certificate, on whichever way, with what it was when it asked last. */
@Injectable()
export class DeviceSightingsService {
  constructor(
    private readonly repository: EnrolmentRepository,
    private readonly boots: DeviceBootsRepository,
    private readonly history: DeviceHistoryRepository,
    private readonly standing: DeviceStandingService,
  ) {}

  /**
   * @param device locked by this transaction.
   * @param state undefined for a device without a TPM.
   * @param bootId empty when it does not say.
   */
  async observe(
    tx: TenantTransaction,
    device: Device,
    state: ProvenState | undefined,
    bootId: string,
  ): Promise<Sighting> {
    const suspicion = await this.suspicionOf(tx, device, state, bootId);
    if (suspicion !== undefined) {
      const alerts = await this.standing.suspect(tx, device.organisationId, device, suspicion);
      return { isSuspect: true, alerts };
    }
    if (state === undefined) return { isSuspect: false, alerts: [] };
    const alerts = await this.compare(tx, device, state);
    await this.repository.recordState(tx, device.id, state);
    return { isSuspect: false, alerts };
  }

  /** @returns why there may be two machines with this identity. */
  private async suspicionOf(
    tx: TenantTransaction,
    device: Device,
    state: ProvenState | undefined,
    bootId: string,
  ): Promise<string | undefined> {
    if (state !== undefined && wentBack(device, state)) {
      return `Its TPM counted ${device.tpmResetCount}.${device.tpmRestartCount} starts before, and ${state.resetCount}.${state.restartCount} now.`;
    }
    if (bootId === '') return undefined;
    return SUSPECT_BOOTS[await this.boots.note(tx, device.organisationId, device.id, bootId)];
  }

  /** Writes down what is different from the last quote. */
  private async compare(tx: TenantTransaction, device: Device, state: ProvenState): Promise<Alert[]> {
    const { id, organisationId, hostname } = device;
    if (device.tpmResetCount !== null && BigInt(state.resetCount) > device.tpmResetCount) {
      const detail = `The machine was started anew: its TPM counted ${device.tpmResetCount} resets before, and ${state.resetCount} now.`;
      await this.history.add(tx, organisationId, id, { kind: 'rebooted', detail });
    }
    const before = PcrValues.catch({}).parse(device.tpmPcrs);
    const changed = Object.keys(state.pcrs).filter((pcr) => before[pcr] !== state.pcrs[pcr]);
    if (changed.length === 0) return [];
    const detail = `PCR ${changed.join(', ')} changed since the last quote.`;
    await this.history.add(tx, organisationId, id, { kind: 'pcrs-changed', detail });
    if (!changed.some((pcr) => GRAVE_PCRS.includes(pcr))) return [];
    return this.standing.raise(tx, organisationId, device, {
      kind: 'device/pcrs-changed',
      severity: 'warning',
      title: `The firmware of ${hostname}, or what it is allowed to start, is another: ${detail}`,
    });
  }
}

/** A TPM only ever counts on: one that counts less is a copy of an earlier state. */
function wentBack(device: Device, state: ProvenState): boolean {
  if (device.tpmCountsForgotten) return false;
  if (device.tpmResetCount === null || device.tpmRestartCount === null) return false;
  const [reset, restart] = [BigInt(state.resetCount), BigInt(state.restartCount)];
  if (reset !== device.tpmResetCount) return reset < device.tpmResetCount;
  return restart < device.tpmRestartCount;
}
