import { existsSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import type { Config } from '../config/config.ts';
import { linkProxy } from '../config/link-proxy.ts';
import { type Enrolment, loadEnrolment, saveEnrolment } from '../identity/enrolment.ts';
import type { KeyProvider } from '../identity/key-provider.ts';
import { leave } from '../identity/leave.ts';
import { openKeys } from '../identity/open-keys.ts';
import { renew } from '../identity/renewal.ts';
import { EDGE_AGENT } from '../ledger/event-draft.ts';
import { Ledger, NOBODY } from '../ledger/ledger.ts';
import { openDatabase } from '../store/database.ts';
import { EventLog } from '../store/event-log.ts';
import { MachineRecord } from '../store/machine.ts';
import { StateSlots } from '../store/state-slots.ts';
import { newStoreKey } from '../store/store-key.ts';
import type { AgentPaths } from './paths.ts';

export function isEnrolled(paths: AgentPaths): boolean {
  return existsSync(paths.enrolment);
}

/**
 * Gives up this machine's identity at its control plane, as far as that can be reached: an organisation that is gone
 * must not keep a machine. Nothing on disk is removed.
 *
 * @returns why the control plane could not be told; empty when it knows
 */
export async function leaveOrganisation(
  paths: AgentPaths,
  config: Pick<Config, 'identityKey' | 'tpmTcti' | 'linkProxy'>,
): Promise<string> {
  try {
    const enrolment = loadEnrolment(paths.enrolment);
    if (enrolment === undefined) return '';
    const keys = await openKeys(paths, config);
    try {
      await leaveNow(enrolment, keys, linkProxy(config));
    } finally {
      keys.close();
    }
    saveEnrolment(paths.enrolment, { ...enrolment, status: 'revoked' });
    return '';
  } catch (error) {
    // It knows already.
    if (error instanceof RaypherError && error.code === 'device/revoked') return '';
    return error instanceof Error ? error.message : String(error);
  }
}

/** A certificate that has expired while the machine was off can only be renewed; the next one may leave. */
async function leaveNow(enrolment: Enrolment, keys: KeyProvider, proxy: URL | undefined): Promise<void> {
  try {
    await leave(enrolment, keys, proxy);
  } catch (error) {
    if (!(error instanceof RaypherError) || error.code !== 'device/certificate-expired') throw error;
    await leave(await renew(enrolment, keys, proxy), keys, proxy);
  }
}

/**
 * Prepares the store for a new membership: the ledger of what came before is kept aside under its old name,
 * and the first entry of the new one commits to it. State of another organisation is forgotten.
 */
export function joinOrganisation(paths: AgentPaths, enrolment: Enrolment, keys: KeyProvider): void {
  const { db, setAside } = openDatabase(paths.store);
  try {
    const machine = new MachineRecord(db);
    const before = new EventLog(db).head();
    new EventLog(db).startOver(machine.load()?.device ?? NOBODY.device);
    // Sealed by the identity that the machine has from now on. What came before stays under its own key.
    const log = new EventLog(db, newStoreKey(paths.storeKey, keys.sealer));
    new StateSlots(db).clear();
    machine.save({
      organisation: enrolment.organisation.id,
      device: enrolment.device,
      server: enrolment.server,
      keyId: keys.keyId,
    });
    const ledger = new Ledger(log, { organisation: enrolment.organisation.id, device: enrolment.device });
    ledger.note({
      type: 'device.enrolled',
      severity: 'notice',
      actor: EDGE_AGENT,
      action: 'enrol',
      target: enrolment.organisation.name,
      data: {
        server: enrolment.server,
        identityClass: enrolment.identityClass,
        key: keys.identityClass,
        status: enrolment.status,
        keyId: keys.keyId,
        entriesBefore: before.seq,
        headBefore: before.hash,
      },
    });
    if (setAside !== undefined) ledger.note(storeCorruptEvent(setAside));
    ledger.flush();
  } finally {
    db.close();
  }
}

export function storeCorruptEvent(setAside: { path: string; reason: string }): Parameters<Ledger['note']>[0] {
  return {
    type: 'store.corrupt',
    severity: 'critical',
    actor: EDGE_AGENT,
    action: 'set the store aside',
    target: setAside.path,
    data: { code: 'store/corrupt', reason: setAside.reason },
  };
}
