import { closeSync, existsSync, openSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';

const RESOURCE_MANAGER = '/dev/tpmrm0';
/** The chip without the kernel's resource manager: programs would take each other's slots. */
const RAW_DEVICE = '/dev/tpm0';
/** TPM 1.2 has no resource manager in the kernel and none of the commands used here. */
const VERSION_FILE = '/sys/class/tpm/tpm0/tpm_version_major';

export type Location = { tcti: string } | { tcti: undefined; looked: string[] };

/**
 * Where this machine's TPM is, or where none was found.
 *
 * @param configured `tpm.tcti`; a TPM that somebody named must be there
 * @throws RaypherError `tpm/absent`, `tpm/permission`, `tpm/unavailable`
 */
export function locateTpm(configured: string | undefined): Location {
  if (configured === undefined && !existsSync(RESOURCE_MANAGER)) {
    const looked = [`${RESOURCE_MANAGER}: not there`];
    if (existsSync(RAW_DEVICE))
      looked.push(`${RAW_DEVICE}: there, but the kernel has no resource manager for it`);
    else looked.push(`${VERSION_FILE}: ${existsSync(VERSION_FILE) ? 'there, not version 2' : 'not there'}`);
    return { tcti: undefined, looked };
  }
  const tcti = configured ?? `device:${RESOURCE_MANAGER}`;
  if (tcti.startsWith('device:')) checkDevice(tcti.slice('device:'.length));
  return { tcti };
}

/** libtss2 says the same of a missing, a forbidden and a busy device: "I/O failure". */
function checkDevice(file: string): void {
  try {
    closeSync(openSync(file, 'r+'));
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === 'EACCES' || errno === 'EPERM') {
      throw new RaypherError('tpm/permission', `This user may not use the TPM at ${file}.`, {
        hint: 'Run as root, or join the group that owns the device (usually tss).',
        cause,
      });
    }
    if (errno === 'EBUSY') {
      throw new RaypherError('tpm/unavailable', `Another program holds the TPM at ${file}.`, {
        hint: `Use the kernel’s resource manager, ${RESOURCE_MANAGER}.`,
        cause,
      });
    }
    throw new RaypherError('tpm/absent', `There is no TPM at ${file} (${errno}).`, {
      hint: `Correct \`tpm.tcti\`, or remove it to use ${RESOURCE_MANAGER}.`,
      cause,
    });
  }
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
