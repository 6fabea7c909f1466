import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Config } from '../config/config.ts';
import { type Enrolment, loadEnrolment } from '../identity/enrolment.ts';
import { FileSealer } from '../identity/file-sealer.ts';
import type { KeyProvider, Sealer } from '../identity/key-provider.ts';
import { openKeys } from '../identity/open-keys.ts';
import { requireOwnCertificate } from '../identity/own-certificate.ts';
import { EDGE_AGENT } from '../ledger/event-draft.ts';
import { Ledger, NOBODY } from '../ledger/ledger.ts';
import { BufferedStore } from '../store/buffered-store.ts';
import { openDatabase } from '../store/database.ts';
import { EventLog } from '../store/event-log.ts';
import { MachineRecord } from '../store/machine.ts';
import { openStoreKey } from '../store/store-key.ts';
import { storeCorruptEvent } from './membership.ts';
import type { AgentPaths } from './paths.ts';

/** What the service stands on. */
export interface OpenedAgent {
  db: DatabaseSync;
  /** For what every call writes: see {@link BufferedStore}. */
  buffered: BufferedStore;
  log: EventLog;
  ledger: Ledger;
  /** What keeps the key that entries are encrypted with. */
  storeBound: Sealer['bound'];
  membership: { enrolment: Enrolment; keys: KeyProvider } | undefined;
}

/**
 * Opens identity and store, checks that they belong together and to this machine, and records what is wrong with them.
 *
 * @throws RaypherError `device/other-machine` for a data folder that was copied here, `tpm/…`, `store/corrupt`
 */
export async function openAgent(
  paths: AgentPaths,
  config: Pick<Config, 'identityKey' | 'tpmTcti'>,
): Promise<OpenedAgent> {
  const membership = await openMembership(paths, config);
  try {
    return openStore(paths, membership);
  } catch (error) {
    membership?.keys.close();
    throw error;
  }
}

async function openMembership(
  paths: AgentPaths,
  config: Pick<Config, 'identityKey' | 'tpmTcti'>,
): Promise<OpenedAgent['membership']> {
  const enrolment = loadEnrolment(paths.enrolment);
  if (enrolment === undefined) return undefined;
  const keys = await openKeys(paths, config);
  try {
    requireOwnCertificate(enrolment, keys);
  } catch (error) {
    keys.close();
    throw error;
  }
  return { enrolment, keys };
}

function openStore(paths: AgentPaths, membership: OpenedAgent['membership']): OpenedAgent {
  const { db, setAside } = openDatabase(paths.store);
  const buffered = new BufferedStore(paths.store);
  const sealer = membership?.keys.sealer ?? sealerOfNobody(paths);
  const cipher = openStoreKey(paths.storeKey, sealer);
  const log = new EventLog(buffered.db, cipher, () => buffered.flushed());
  const machine = new MachineRecord(db);
  const known = machine.load();
  let storeIsMissing = false;
  const isUnreadable = !log.isReadable();
  if (isUnreadable) {
    // Its key is gone, and with it what was not sent: the chain goes on from what the control plane holds.
    log.startOver(known?.device ?? NOBODY.device);
    log.setRestarted(membership !== undefined);
  }
  log.sealAll();
  if (membership !== undefined && known?.device !== membership.enrolment.device) {
    const { enrolment, keys } = membership;
    // A new file for an enrolled device: the control plane holds the beginning of its chain.
    if (log.head().seq > 0) log.startOver(known?.device ?? NOBODY.device);
    storeIsMissing = known === undefined && setAside === undefined;
    log.setRestarted(true);
    machine.save({
      organisation: enrolment.organisation.id,
      device: enrolment.device,
      server: enrolment.server,
      keyId: keys.keyId,
    });
  }
  const ledger = new Ledger(
    log,
    membership === undefined
      ? NOBODY
      : {
          organisation: membership.enrolment.organisation.id,
          device: membership.enrolment.device,
        },
  );
  const fault = ledger.check();
  if (setAside !== undefined) ledger.note(storeCorruptEvent(setAside));
  if (fault !== undefined) ledger.note(suspicion('The ledger on this device was changed.', fault));
  if (isUnreadable) {
    ledger.note(
      suspicion('The key of the store is gone: entries from before cannot be read.', paths.storeKey),
    );
  }
  if (storeIsMissing) {
    ledger.note(suspicion('The store of this enrolled device is missing.', paths.store));
  }
  return { db, buffered, log, ledger, storeBound: sealer.bound, membership };
}

/** Before the machine has an identity there is nothing that could seal, except a file. */
function sealerOfNobody(paths: AgentPaths): FileSealer {
  return new FileSealer(join(dirname(paths.key), 'vault.key'));
}

/** Closes the store once everything that was recorded is on the disk. */
export async function closeStore({ db, buffered, ledger }: OpenedAgent): Promise<void> {
  await ledger.settled();
  buffered.close();
  db.close();
}

function suspicion(reason: string, detail: string): Parameters<Ledger['note']>[0] {
  return {
    type: 'tamper.suspected',
    severity: 'critical',
    actor: EDGE_AGENT,
    action: 'check the store',
    target: 'ledger',
    data: { reason, detail },
  };
}
