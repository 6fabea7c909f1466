import type { X509Certificate } from 'node:crypto';
import { Tpm } from '../../native/tss2.ts';
import { firmwareVersion, manufacturerId } from './capabilities.ts';
import { readEndorsementKey } from './endorsement-key.ts';
import { locateTpm } from './locate-tpm.ts';
import { manufacturer } from './manufacturers.ts';

/** What can lead to a chip: the kernel, and the resource manager that some run beside it. */
const CHIP_TRANSPORTS: readonly string[] = ['device', 'tabrmd'];

/** What a machine can prove itself with, as the machine says. The control plane believes certificates only. */
export interface MachineIdentity {
  class: 'hardware' | 'virtual' | 'software';
  /** Why this class, one sentence. */
  reason: string;
  tpm: TpmFacts | null;
  /** What was looked at, in order, and what was there. */
  looked: string[];
  nextStep: string;
}

export interface TpmFacts {
  tcti: string;
  manufacturer: { id: string; name: string | null };
  firmwareVersion: string;
  endorsementKey: {
    algorithm: string;
    /** SHA-256 over the public area, hex. */
    fingerprint: string;
    certificate: CertificateFacts | null;
    /** Issuers' certificates kept in the TPM. */
    chain: CertificateFacts[];
  };
}

export interface CertificateFacts {
  /** Endorsement certificates have no subject of their own: the TPM's model is an alternative name then. */
  subject: string;
  issuer: string;
  validTo: string;
}

/**
 * Reads what identifies this machine. Only a machine without a TPM has a software identity; a TPM that cannot be used
 * is an error, because to go on without it would be a downgrade that nobody asked for.
 *
 * @param tcti `tpm.tcti` of the configuration
 * @throws RaypherError `tpm/…`, `platform/unsupported`
 */
export function readMachineIdentity(tcti: string | undefined): MachineIdentity {
  const location = locateTpm(tcti);
  if (location.tcti === undefined) {
    return {
      class: 'software',
      reason: 'This machine has no TPM 2.0: a key can only be a file on its disk, which can be copied.',
      tpm: null,
      looked: location.looked,
      nextStep:
        'Switch the TPM on in the firmware setup (Intel PTT, AMD fTPM), or give this virtual machine a virtual TPM.',
    };
  }
  using tpm = Tpm.open(location.tcti);
  const key = readEndorsementKey(tpm);
  const id = manufacturerId(tpm);
  return {
    ...classify(location.tcti, id),
    tpm: {
      tcti: location.tcti,
      manufacturer: { id, name: manufacturer(id)?.name ?? null },
      firmwareVersion: firmwareVersion(tpm),
      endorsementKey: {
        algorithm: key.algorithm,
        fingerprint: key.fingerprint,
        certificate: key.certificate === undefined ? null : describe(key.certificate),
        chain: key.chain.map(describe),
      },
    },
    looked: [`${location.tcti}: a TPM 2.0`, ...key.looked],
    nextStep:
      key.certificate === undefined
        ? 'Note the fingerprint: without a certificate of its maker it is all that tells this TPM from another one.'
        : 'Compare the issuer with the makers your organisation trusts.',
  };
}

function classify(tcti: string, id: string): Pick<MachineIdentity, 'class' | 'reason'> {
  const maker = manufacturer(id);
  const transport = tcti.split(':')[0] ?? '';
  if (!CHIP_TRANSPORTS.includes(transport)) {
    return { class: 'virtual', reason: `The TPM is a program reached through ${transport}.` };
  }
  if (maker === undefined) {
    return { class: 'virtual', reason: `The TPM says that "${id}" made it, who is not known to make chips.` };
  }
  return maker.kind === 'chip'
    ? { class: 'hardware', reason: `The TPM says that ${maker.name} made it, who makes chips.` }
    : { class: 'virtual', reason: `The TPM says that ${maker.name} made it, as virtual TPMs do.` };
}

function describe(certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject) || (certificate.subjectAltName ?? ''),
    issuer: oneLine(certificate.issuer),
    validTo: certificate.validToDate.toISOString(),
  };
}

/** Node gives names one part a line, and nothing for an empty one. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}
