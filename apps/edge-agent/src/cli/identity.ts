import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { systemServiceHint } from '../config/system-service.ts';
import { loadEnrolment } from '../identity/enrolment.ts';
import { type MachineIdentity, readMachineIdentity } from '../identity/tpm/machine-identity.ts';
import { askService } from './control-client.ts';
import { type EnrolledIdentity, enrolledIdentity, keyPlace, standing } from './enrolled-identity.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { print, table } from './output.ts';

/** Transports that several programs can use at once: the kernel's resource manager, and the one beside it. */
const SHARED_TRANSPORT = /^(device:\/dev\/tpmrm|tabrmd)/;

/** What the machine says about itself; without a class when its TPM cannot be asked now. */
type Machine = Omit<MachineIdentity, 'class'> & { class: MachineIdentity['class'] | null };

export const identityCommand = withJson(withGlobalOptions(new Command('identity')))
  .addHelpText(
    'after',
    `
Examples:
  raypher identity
  raypher identity --json | jq -r .tpm.endorsementKey.fingerprint
  raypher identity --json | jq -r .enrolment.identityClass

Classes: hardware (a chip), virtual (a TPM that a hypervisor or a program plays), unverified (a TPM that nobody
vouches for), software (no TPM, or a key in a file). Before enrolment the class is what the machine says of itself;
afterwards it is the control plane's word, which rests on the TPM's certificate.
Needs read and write access to /dev/tpmrm0, or to what \`tpm.tcti\` names.

Exit codes: 0 identified, also without a TPM; 3 not permitted, 7 the TPM is busy or locked out,
8 the enrolment is damaged, 11 no TPM where \`tpm.tcti\` says, or libtss2 is not installed.`,
  )
  .action(async (options: GlobalOptions) => {
    const { config, paths } = resolve(options);
    const stored = loadEnrolment(paths.enrolment);
    const enrolment = stored === undefined ? null : enrolledIdentity(stored, paths);
    const isHeld =
      enrolment?.key === 'tpm' &&
      !SHARED_TRANSPORT.test(config.tpmTcti ?? 'device:/dev/tpmrm0') &&
      (await isRunning(paths.control));
    const machine = isHeld ? heldByService() : readMachineIdentity(config.tpmTcti);
    print({ ...machine, enrolment }, options.json === true, () =>
      lines(machine, enrolment, systemServiceHint(config.dataDir)),
    );
  });

async function isRunning(socket: string): Promise<boolean> {
  try {
    await askService(socket, { verb: 'status' });
    return true;
  } catch (error) {
    return error instanceof RaypherError && error.code !== 'service/not-running';
  }
}

function heldByService(): Machine {
  return {
    class: null,
    reason:
      'The service uses the TPM, and there is no resource manager that would let others ask it as well.',
    tpm: null,
    looked: [],
    nextStep: 'Stop the service to read the TPM, or use /dev/tpmrm0.',
  };
}

/** @param elsewhere where the enrolment of this machine may be instead */
function lines(
  machine: Machine,
  enrolment: EnrolledIdentity | null,
  elsewhere: string | undefined,
): string[] {
  return [
    ...table(['Identity', enrolment?.identityClass ?? machine.class ?? 'unknown'], rows(machine)),
    '',
    ...(enrolment === null
      ? [
          'Not enrolled: the class is what this machine says of itself.',
          ...(elsewhere === undefined ? [] : [elsewhere]),
        ]
      : table(['Enrolled', enrolment.organisation], enrolmentRows(enrolment))),
    '',
    ...(machine.looked.length === 0 ? [] : ['Looked at:', ...machine.looked.map((line) => `  ${line}`), '']),
    `Next: ${(enrolment === null ? '' : standing(enrolment.status)) || machine.nextStep}`,
  ];
}

function enrolmentRows(enrolment: EnrolledIdentity): [string, string][] {
  const { device, server, identityClass, status, key, keyId, attestationKey, certificate } = enrolment;
  return [
    ['device', device],
    ['control plane', server],
    ['class', `${identityClass}, as the control plane says`],
    ['status', status],
    ['key', `${keyId} ${keyPlace(key)}`],
    ...(attestationKey === null ? [] : [['attestation key', attestationKey] satisfies [string, string]]),
    ['certificate', `${certificate.validFrom} to ${certificate.expiresAt}`],
    ['next renewal', `after ${certificate.renewAfter}`],
  ];
}

function rows({ reason, tpm }: Machine): [string, string][] {
  if (tpm === null) return [['because', reason]];
  const { manufacturer, endorsementKey: key } = tpm;
  const certificate: [string, string][] =
    key.certificate === null
      ? [['certificate', 'none']]
      : [
          ['certificate', key.certificate.subject],
          ['issued by', key.certificate.issuer],
          ['valid to', key.certificate.validTo],
          ...key.chain.map(({ subject }): [string, string] => ['chain', subject]),
        ];
  return [
    ['because', reason],
    ['manufacturer', `${manufacturer.id} ${manufacturer.name ?? '(unknown)'}`],
    ['firmware', tpm.firmwareVersion],
    ['fingerprint', `${key.fingerprint} (${key.algorithm} endorsement key)`],
    ...certificate,
  ];
}
