import { Command } from 'commander';
import { AGENT_VERSION } from '../version.ts';
import { allowCommand } from './allow.ts';
import { approvalsCommand } from './approvals.ts';
import { budgetCommand } from './budget.ts';
import { caCommand } from './ca.ts';
import { completionCommand } from './completion.ts';
import { connectionsCommand } from './connections.ts';
import { dlpCommand } from './dlp/dlp.ts';
import { doctorCommand } from './doctor.ts';
import { enrollCommand } from './enroll.ts';
import { forensicsCommand } from './forensics.ts';
import { freezeCommand } from './freeze.ts';
import { hookCommand } from './hook.ts';
import { identityCommand } from './identity.ts';
import { installCommand } from './install.ts';
import { killCommand } from './kill.ts';
import { logsCommand } from './logs.ts';
import { mcpProxyCommand } from './mcp-proxy.ts';
import { monitorCommand } from './monitor.ts';
import { panicCommand } from './panic.ts';
import { policyCommand } from './policy/policy.ts';
import { runCommand } from './run.ts';
import { scanCommand } from './scan.ts';
import { sealCommand } from './seal.ts';
import { serviceCommand } from './service.ts';
import { setupCommand } from './setup.ts';
import { statusCommand } from './status.ts';
import { thawCommand } from './thaw.ts';
import { uninstallCommand } from './uninstall.ts';
import { unsealCommand } from './unseal.ts';
import { vaultCommand } from './vault.ts';

export function buildProgram(): Command {
  return (
    new Command('raypher')
      .description('Makes autonomous AI agents safe on this machine.')
      .version(AGENT_VERSION)
      .showSuggestionAfterError()
      // Options after the name of a command that is to be run belong to that command.
      .enablePositionalOptions()
      .addCommand(setupCommand)
      .addCommand(enrollCommand)
      .addCommand(installCommand)
      .addCommand(uninstallCommand)
      .addCommand(serviceCommand)
      .addCommand(statusCommand)
      .addCommand(doctorCommand)
      .addCommand(identityCommand)
      .addCommand(scanCommand)
      .addCommand(monitorCommand)
      .addCommand(runCommand)
      .addCommand(hookCommand)
      .addCommand(mcpProxyCommand)
      .addCommand(freezeCommand)
      .addCommand(thawCommand)
      .addCommand(killCommand)
      .addCommand(panicCommand)
      .addCommand(forensicsCommand)
      .addCommand(allowCommand)
      .addCommand(approvalsCommand)
      .addCommand(connectionsCommand)
      .addCommand(sealCommand)
      .addCommand(unsealCommand)
      .addCommand(vaultCommand)
      .addCommand(caCommand)
      .addCommand(budgetCommand)
      .addCommand(logsCommand)
      .addCommand(policyCommand)
      .addCommand(dlpCommand)
      .addCommand(completionCommand)
      .addHelpText(
        'after',
        `
Start here:
  raypher scan                                  find AI agents, without installing anything
  raypher enroll --server https://HOST:PORT     join an organisation
  raypher service                               enforce its policy
  raypher setup --server URL --token-file FILE  both, as a service of this system
  raypher doctor                                what is wrong, and what to do
  raypher run -- COMMAND                        start an AI agent under it

Exit codes: 0 success, 1 unexpected, 2 usage or configuration, 3 not permitted, 4 not found, 5 conflict,
6 protocol, 7 unavailable, 8 damaged, 9 policy, 10 protected process, 11 unsupported platform.`,
      )
  );
}
