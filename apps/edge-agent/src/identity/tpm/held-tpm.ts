import { RaypherError } from '@raypher/shared';
import { keyName, parsePublicKey } from '@raypher/shared/attestation';
import { Tpm, type TpmHandle } from '../../native/tss2.ts';
import { nameOf } from '../../native/tss2-objects.ts';
import { isConnectionLost, isOutOfSlots } from '../../native/tss2-response.ts';
import { handlesBetween } from './capabilities.ts';
import { certifies, readCertificate } from './endorsement-certificate.ts';
import { certificateIndex, openEndorsementKey, readEndorsementKey } from './endorsement-key.ts';
import { openDeviceKey } from './signing-keys.ts';
import { shortFingerprint, type TpmIdentity } from './tpm-identity.ts';

/** Handles of loaded objects (TPM 2.0 Part 2 §7.2), far more than any TPM has slots for. */
const TRANSIENT_FIRST = 0x80000000;
const TRANSIENT_LAST = 0x800000ff;

interface Opened {
  tpm: Tpm;
  deviceKey: TpmHandle;
}

/**
 * The one connection to the TPM that a process keeps, with the device key in a slot. That this is the right TPM is
 * shown by deriving the key, each time the connection is made: what a file says about itself proves nothing.
 */
export class HeldTpm implements Disposable {
  readonly #tcti: string;
  readonly #identity: TpmIdentity;
  #isClosed = false;
  #opened: Opened | undefined;

  /** @throws RaypherError `device/other-machine`, `tpm/cleared`, `store/corrupt`, `tpm/…` */
  constructor(tcti: string, identity: TpmIdentity) {
    this.#tcti = tcti;
    this.#identity = identity;
    this.use(() => {});
  }

  /**
   * Uses the TPM. What is loaded meanwhile must be freed again: two slots of three are left.
   *
   * @param work may be done twice: once more when the connection was lost meanwhile, or an agent that was killed had
   *   left its key in a slot
   */
  use<T>(work: (tpm: Tpm, deviceKey: TpmHandle) => T): T {
    try {
      return this.#run(work);
    } catch (error) {
      if (!isConnectionLost(error) && !isOutOfSlots(error)) throw error;
      this.#drop();
      if (isOutOfSlots(error)) freeLeftKeys(this.#tcti, this.#identity);
      return this.#run(work);
    }
  }

  /** Frees the slot and the connection, for good. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#drop();
  }

  #drop(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) return;
    using _connection = opened.tpm;
    opened.deviceKey[Symbol.dispose]();
  }

  #run<T>(work: (tpm: Tpm, deviceKey: TpmHandle) => T): T {
    if (this.#isClosed) throw new RaypherError('tpm/unavailable', 'The connection to the TPM is closed.');
    this.#opened ??= open(this.#tcti, this.#identity);
    return work(this.#opened.tpm, this.#opened.deviceKey);
  }
}

function open(tcti: string, identity: TpmIdentity): Opened {
  using unfinished = new DisposableStack();
  const tpm = unfinished.use(Tpm.open(tcti));
  const deviceKey = unfinished.use(openDeviceKey(tpm, identity.unique));
  if (!nameOf(tpm, deviceKey).equals(keyName(identity.deviceKey))) {
    deviceKey[Symbol.dispose]();
    throw whyAnotherKey(tpm, identity);
  }
  unfinished.move();
  return { tpm, deviceKey };
}

/**
 * Frees slots that hold this device's key and nobody uses: the kernel does that when a process ends, but a TPM that is
 * reached without its resource manager, as simulators are, keeps what a killed agent had loaded.
 */
function freeLeftKeys(tcti: string, identity: TpmIdentity): void {
  using tpm = Tpm.open(tcti);
  const ours = keyName(identity.deviceKey);
  const isOurs = (handle: number) => {
    using object = tpm.at(handle);
    return nameOf(tpm, object).equals(ours);
  };
  for (const handle of handlesBetween(tpm, TRANSIENT_FIRST, TRANSIENT_LAST).filter(isOurs)) {
    tpm.takeOver(handle)[Symbol.dispose]();
  }
}

/** The same bytes gave another key: a TPM derives otherwise only when it is another one, or was given a new seed. */
function whyAnotherKey(tpm: Tpm, { endorsementKey }: TpmIdentity): RaypherError {
  try {
    using _same = openEndorsementKey(tpm, endorsementKey);
    return new RaypherError(
      'store/corrupt',
      'The keys in the identity folder are not the ones it describes.',
      {
        hint: 'Restore it from a backup, or enrol again with `raypher enroll --replace` and a fresh token.',
      },
    );
  } catch (error) {
    if (!(error instanceof RaypherError) || error.code !== 'tpm/cleared') throw error;
  }
  const expected = shortFingerprint(endorsementKey.fingerprint);
  const found = readEndorsementKey(tpm).fingerprint;
  const details = { expected: endorsementKey.fingerprint, found };
  const certificate = readCertificate(tpm, certificateIndex(endorsementKey.algorithm));
  if (certificate !== undefined && certifies(certificate, parsePublicKey(endorsementKey.publicArea))) {
    // The maker's certificate for the old key is still in the chip, which has a new one.
    return new RaypherError(
      'tpm/cleared',
      `This TPM was given a new endorsement seed: ${expected} is gone.`,
      {
        hint: 'Enrol this device again with `raypher enroll --replace` and a fresh token.',
        details,
      },
    );
  }
  return new RaypherError(
    'device/other-machine',
    `This data folder belongs to the TPM ${expected}; this machine has ${shortFingerprint(found)}.`,
    {
      hint: 'A copied identity is worthless. Enrol this machine with `raypher enroll --replace` and a fresh token; also after its TPM or mainboard was replaced.',
      details,
    },
  );
}
