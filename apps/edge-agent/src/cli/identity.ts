import { Command } from 'commander';
import { type MachineIdentity, readMachineIdentity } from '../identity/tpm/machine-identity.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { print, table } from './output.ts';

/** Until enrolment proves the TPM, nobody shall take its presence for the device's identity. */
const NOT_USED_YET =
  'This version enrols every device with a key in a file (software identity); a TPM is shown, not used yet.';

export const identityCommand = withJson(withGlobalOptions(new Command('identity')))
  .description('show what this machine can prove itself with: its TPM, or that it has none')
  .addHelpText(
    'after',
    `
Examples:
  raypher identity
  raypher identity --json | jq -r .tpm.endorsementKey.fingerprint

Classes: hardware (a chip), virtual (a TPM that a hypervisor or a program plays), software (no TPM).
${NOT_USED_YET}
Needs read and write access to /dev/tpmrm0, or to what \`tpm.tcti\` names.

Exit codes: 0 identified, also without a TPM; 3 not permitted, 7 the TPM is busy or locked out,
11 no TPM where \`tpm.tcti\` says, or libtss2 is not installed.`,
  )
  .action((options: GlobalOptions) => {
    const identity = readMachineIdentity(resolve(options).config.tpmTcti);
    print(identity, options.json === true, () => lines(identity));
  });

function lines(identity: MachineIdentity): string[] {
  return [
    ...table(['Identity', identity.class], rows(identity)),
    '',
    'Looked at:',
    ...identity.looked.map((line) => `  ${line}`),
    '',
    `Next: ${identity.nextStep}`,
    '',
    NOT_USED_YET,
  ];
}

function rows({ reason, tpm }: MachineIdentity): [string, string][] {
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
