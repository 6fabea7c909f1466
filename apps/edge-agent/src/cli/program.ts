import { Command } from 'commander';
import { AGENT_VERSION } from '../version.ts';

/** In the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  setup: async () => (await import('./setup.ts')).setupCommand,
  enroll: async () => (await import('./enroll.ts')).enrollCommand,
  install: async () => (await import('./install.ts')).installCommand,
  uninstall: async () => (await import('./uninstall.ts')).uninstallCommand,
  service: async () => (await import('./service.ts')).serviceCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  identity: async () => (await import('./identity.ts')).identityCommand,
  scan: async () => (await import('./scan.ts')).scanCommand,
  monitor: async () => (await import('./monitor.ts')).monitorCommand,
  run: async () => (await import('./run.ts')).runCommand,
  hook: async () => (await import('./hook.ts')).hookCommand,
  'mcp-proxy': async () => (await import('./mcp-proxy.ts')).mcpProxyCommand,
  freeze: async () => (await import('./freeze.ts')).freezeCommand,
  thaw: async () => (await import('./thaw.ts')).thawCommand,
  kill: async () => (await import('./kill.ts')).killCommand,
  panic: async () => (await import('./panic.ts')).panicCommand,
  forensics: async () => (await import('./forensics.ts')).forensicsCommand,
  allow: async () => (await import('./allow.ts')).allowCommand,
  approvals: async () => (await import('./approvals.ts')).approvalsCommand,
  connections: async () => (await import('./connections.ts')).connectionsCommand,
  seal: async () => (await import('./seal.ts')).sealCommand,
  unseal: async () => (await import('./unseal.ts')).unsealCommand,
  vault: async () => (await import('./vault.ts')).vaultCommand,
  ca: async () => (await import('./ca.ts')).caCommand,
  budget: async () => (await import('./budget.ts')).budgetCommand,
  logs: async () => (await import('./logs.ts')).logsCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  checkpoint: async () => (await import('./checkpoint.ts')).checkpointCommand,
  policy: async () => (await import('./policy/policy.ts')).policyCommand,
  dlp: async () => (await import('./dlp/dlp.ts')).dlpCommand,
  completion: async () => (await import('./completion.ts')).completionCommand,
};

const NEEDS_NONE: ReadonlySet<string> = new Set(['--version', '-V']);

/**
 * The program with all its commands, or with one alone: AI agents run `raypher hook` before everything they do, and what
 * the other commands need takes longer to load than all that one does.
 *
 * @param only name of the command that is asked for; what is none gets all of them
 */
export async function buildProgram(only?: string): Promise<Command> {
  // What completes commands is about all of them.
  const isAlone = only !== undefined && only !== 'completion' && Object.hasOwn(COMMANDS, only);
  const names = isAlone ? [only] : NEEDS_NONE.has(only ?? '') ? [] : Object.keys(COMMANDS);
  const program = new Command('raypher')
    .description('Makes autonomous AI agents safe on this machine.')
    .version(AGENT_VERSION)
    .showSuggestionAfterError()
    // Options after the name of a command that is to be run belong to that command.
    .enablePositionalOptions();
  for (const name of names) {
    const command = await COMMANDS[name]?.();
    if (command !== undefined) program.addCommand(command);
  }
  return program.addHelpText(
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
6 protocol, 7 unavailable, 8 damaged, 9 policy, 10 protected process, 11 unsupported platform, 12 not proven.`,
  );
}
