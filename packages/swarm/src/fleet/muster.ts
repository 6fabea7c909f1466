import { EMPTY_CHAIN } from '@raypher/ledger';
import { RaypherError } from '@raypher/shared';
import type { ControlPlane } from '../enrolment/control-plane.ts';
import { enrolDevice, hostnameOf, renewIdentity } from './device-identity.ts';
import type { FleetStore, StoredDevice } from './fleet-store.ts';

/** Enrolments under way at the same time. */
const AT_ONCE = 8;

export interface MusterOptions {
  devices: number;
  seed: string;
  controlPlane: ControlPlane;
  store: FleetStore | undefined;
  /** Ends the muster early. */
  signal: AbortSignal;
}

/**
 * Brings every device of the fleet into being, in order: as it was stored, with a renewed certificate when that is
 * due, or freshly enrolled.
 *
 * @param onReady called once per device, as soon as it may connect
 * @returns how many were newly enrolled
 */
export async function musterDevices(
  options: MusterOptions,
  onReady: (device: StoredDevice, index: number) => void,
): Promise<number> {
  let next = 0;
  let enrolled = 0;
  const work = async () => {
    for (let index = next++; index < options.devices && !options.signal.aborted; index = next++) {
      const known = await recall(options, hostnameOf(index));
      if (known === undefined) enrolled += 1;
      onReady(known ?? (await enrol(options, index)), index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return enrolled;
}

async function recall(
  { store, controlPlane }: MusterOptions,
  hostname: string,
): Promise<StoredDevice | undefined> {
  const stored = store?.load(hostname);
  if (stored === undefined || Date.now() < stored.identity.renewAfterMs) return stored;
  try {
    const identity = await renewIdentity(controlPlane, stored.identity);
    store?.saveIdentity(identity);
    return { ...stored, identity };
  } catch (error) {
    // Too late to renew: the certificate has expired or was revoked. The machine joins again as a new device.
    if (error instanceof RaypherError) return undefined;
    throw error;
  }
}

async function enrol({ controlPlane, store, seed }: MusterOptions, index: number): Promise<StoredDevice> {
  const hostname = hostnameOf(index);
  const identity = await enrolDevice(controlPlane, hostname, `simulated-${seed}-${hostname}`);
  store?.saveIdentity(identity);
  return { identity, ledger: { head: EMPTY_CHAIN, waiting: [] }, applied: {} };
}
