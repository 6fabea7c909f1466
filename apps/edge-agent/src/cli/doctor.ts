import { Command } from 'commander';
import { agentPaths } from '../service/paths.ts';
import { ServiceStatus } from '../service/service-status.ts';
import { type Diagnosis, diagnose } from '../setup/doctor/diagnose.ts';
import { askService } from './control-client.ts';
import { type GlobalOptions, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { print, table } from './output.ts';

/** Not one of the error codes: the command did what it should, the machine does not. */
const SOMETHING_FAILS = 1;

export const doctorCommand = withJson(withGlobalOptions(new Command('doctor')))
  .addHelpText(
    'after',
    `
Changes nothing. As root it sees more: the TPM, the store and the service's socket are closed to others.

Examples:
  sudo raypher doctor
  sudo raypher doctor --json | jq '.checks[] | select(.state != "ok")'

Exit codes: 0 nothing fails (there may be warnings), 1 something fails.`,
  )
  .action(async (options: GlobalOptions) => {
    const checks = await diagnose(
      () => resolve(options).config,
      async ({ dataDir }) =>
        ServiceStatus.parse(await askService(agentPaths(dataDir).control, { verb: 'status' })),
    );
    const fails = checks.some(({ state }) => state === 'fail');
    print({ ok: !fails, checks }, options.json === true, () => describe(checks));
    if (fails) process.exitCode = SOMETHING_FAILS;
  });

function describe(checks: readonly Diagnosis[]): string[] {
  const advised = checks.filter(({ advice }) => advice !== '');
  return [
    ...table(
      ['CHECK', 'STATE', 'EVIDENCE'],
      checks.map(({ name, state, evidence }) => [name, state, evidence]),
    ),
    ...(advised.length === 0 ? [] : ['', 'To do:']),
    ...advised.map(({ name, advice }) => `  ${name}: ${advice}`),
  ];
}
