import { Command } from 'commander';
import { AGENT_VERSION } from '../version.ts';

/** A command as help lists it, and what it takes to run it. */
interface Listed {
  /** Options and arguments, as in `raypher NAME [options] <pid>`. */
  readonly takes: string;
  readonly does: string;
  readonly load: () => Promise<Command>;
}

/** In the order of the help. */
export const COMMANDS: Readonly<Record<string, Listed>> = {
  setup: {
    takes: '[options]',
    does: 'enrol this machine, install the service and start it; safe to run again',
    load: async () => (await import('./setup.ts')).setupCommand,
  },
  enroll: {
    takes: '[options]',
    does: 'make this machine a member of an organisation',
    load: async () => (await import('./enroll.ts')).enrollCommand,
  },
  install: {
    takes: '[options]',
    does: 'make the agent a service of this system: starts at boot, comes back after a crash',
    load: async () => (await import('./install.ts')).installCommand,
  },
  uninstall: {
    takes: '[options]',
    does: 'stop the service, leave the organisation and remove what was installed',
    load: async () => (await import('./uninstall.ts')).uninstallCommand,
  },
  service: {
    takes: '[options]',
    does: 'run the agent in the foreground until it is told to stop',
    load: async () => (await import('./service.ts')).serviceCommand,
  },
  status: {
    takes: '[options]',
    does: 'show what the service is doing and what it can enforce',
    load: async () => (await import('./status.ts')).statusCommand,
  },
  doctor: {
    takes: '[options]',
    does: 'look at everything the agent depends on: what was seen, and what to do',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  identity: {
    takes: '[options]',
    does: 'show what this machine can prove itself with, and what it is enrolled as',
    load: async () => (await import('./identity.ts')).identityCommand,
  },
  scan: {
    takes: '[options]',
    does: 'look for AI agents among the processes of this machine',
    load: async () => (await import('./scan.ts')).scanCommand,
  },
  monitor: {
    takes: '[options]',
    does: 'show AI agents as they come, change and go, until Ctrl-C',
    load: async () => (await import('./monitor.ts')).monitorCommand,
  },
  run: {
    takes: '[options] <command> [args...]',
    does: 'start a command as an AI agent under Raypher',
    load: async () => (await import('./run.ts')).runCommand,
  },
  hook: {
    takes: '',
    does: 'connect AI agents that have hooks to the action gate',
    load: async () => (await import('./hook.ts')).hookCommand,
  },
  'mcp-proxy': {
    takes: '[options] <command> [args...]',
    does: 'run an MCP server so that calls of its tools are decided first',
    load: async () => (await import('./mcp-proxy.ts')).mcpProxyCommand,
  },
  freeze: {
    takes: '[options]',
    does: 'suspend AI agents on this machine; new ones that match are suspended too',
    load: async () => (await import('./freeze.ts')).freezeCommand,
  },
  thaw: {
    takes: '[options] [id]',
    does: 'lift freezes that were set on this machine',
    load: async () => (await import('./thaw.ts')).thawCommand,
  },
  kill: {
    takes: '[options] <pid>',
    does: 'end a process with everything it started',
    load: async () => (await import('./kill.ts')).killCommand,
  },
  panic: {
    takes: '[options] [pid]',
    does: 'stop an AI agent at once and keep a sealed snapshot of what it was doing',
    load: async () => (await import('./panic.ts')).panicCommand,
  },
  forensics: {
    takes: '',
    does: 'keys and sealed snapshots of panics',
    load: async () => (await import('./forensics.ts')).forensicsCommand,
  },
  allow: {
    takes: '[options] [path]',
    does: 'let a program use the keys sealed on this machine',
    load: async () => (await import('./allow.ts')).allowCommand,
  },
  approvals: {
    takes: '',
    does: 'questions of AI agents that wait for a person',
    load: async () => (await import('./approvals.ts')).approvalsCommand,
  },
  connections: {
    takes: '',
    does: 'what AI agents are connected to right now',
    load: async () => (await import('./connections.ts')).connectionsCommand,
  },
  seal: {
    takes: '[options] <name> [value]',
    does: 'seal an API key on this machine, for programs that are allowed to use it',
    load: async () => (await import('./seal.ts')).sealCommand,
  },
  unseal: {
    takes: '[options] <name>',
    does: 'show a sealed API key',
    load: async () => (await import('./unseal.ts')).unsealCommand,
  },
  vault: {
    takes: '',
    does: 'the API keys that are sealed on this machine',
    load: async () => (await import('./vault.ts')).vaultCommand,
  },
  ca: {
    takes: '',
    does: 'the certificate authority of this machine, by which TLS is read',
    load: async () => (await import('./ca.ts')).caCommand,
  },
  budget: {
    takes: '[options]',
    does: 'show the limits of spending in force here, what is used of them and when they begin anew',
    load: async () => (await import('./budget.ts')).budgetCommand,
  },
  logs: {
    takes: '[options]',
    does: "show this machine's ledger: what AI agents did and what was decided",
    load: async () => (await import('./logs.ts')).logsCommand,
  },
  verify: {
    takes: '[options] <export>',
    does: 'check an export of a ledger, without a server: every entry, hash, chain and signature',
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  checkpoint: {
    takes: '[options]',
    does: "print the newest checkpoint of the organisation's log that this device keeps",
    load: async () => (await import('./checkpoint.ts')).checkpointCommand,
  },
  policy: {
    takes: '',
    does: 'check, test, explain and compare policies, and show the one in force',
    load: async () => (await import('./policy/policy.ts')).policyCommand,
  },
  dlp: {
    takes: '',
    does: 'try out what is found in data that goes to models',
    load: async () => (await import('./dlp/dlp.ts')).dlpCommand,
  },
  completion: {
    takes: '<shell>',
    does: 'print what makes a shell complete raypher commands and options',
    load: async () => (await import('./completion.ts')).completionCommand,
  },
};

/**
 * The program for one line of words. Of its commands the one that is asked for is loaded; the others are names with a
 * description: AI agents run `raypher hook` before everything they do, people mistype and ask for help, and what all
 * commands together need takes longer to load than any of that.
 *
 * @param words what stands behind `raypher`
 */
export async function buildProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('raypher')
    .description('Makes autonomous AI agents safe on this machine.')
    .version(AGENT_VERSION)
    .showSuggestionAfterError()
    // Options after the name of a command that is to be run belong to that command.
    .enablePositionalOptions()
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${takes(command)}`.trimEnd() });
  const asked = askedFor(words);
  for (const [name, { does, load }] of Object.entries(COMMANDS)) {
    // What completes commands is about all of them.
    const command = name === asked || asked === 'completion' ? await load() : new Command(name);
    program.addCommand(command.description(does));
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

/** The program itself takes no options with values, so the first word that is no option is the command. */
function askedFor(words: readonly string[]): string | undefined {
  const [first, second] = words.filter((word) => !word.startsWith('-'));
  return first === 'help' ? second : first;
}

const takes = (command: Command) => COMMANDS[command.name()]?.takes ?? '[command...]';
