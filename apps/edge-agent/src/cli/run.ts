import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { accessSync, constants as fileModes } from 'node:fs';
import { constants } from 'node:os';
import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { type GuardAnswer, parseGuardAnswer } from '../guard/guard-answer.ts';
import { confine } from '../guard/landlock/confine.ts';
import type { Confinement } from '../guard/landlock/confinement.ts';
import { startConfined } from '../guard/landlock/start-confined.ts';
import { foreignTrust, proxyVariables, trustVariables } from '../interception/client-environment.ts';
import { type Cgroup, createRunCgroup } from '../response/cgroup.ts';
import { ServiceStatus } from '../service/service-status.ts';
import { systemLayout } from '../setup/system-layout.ts';
import { installedBundle } from '../setup/trust.ts';
import { askService } from './control-client.ts';
import { type GlobalOptions, parsePort, resolve, withGlobalOptions } from './global-options.ts';

/** The shell's convention for a command that was not found or could not be executed. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
/** Shells and this command report a signal as 128 plus its number. */
const SIGNAL_BASE = 128;
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;
/** The terminal sends these to the whole foreground group, the command included. */
const FROM_TERMINAL = new Set<NodeJS.Signals>(['SIGINT', 'SIGQUIT', 'SIGWINCH']);

/** Its first argument is the control group, the others are the command. */
const ENTER_AND_EXECUTE = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"';

export const runCommand = withGlobalOptions(new Command('run'))
  .argument('<command>', 'the program')
  .argument('[args...]', 'its arguments')
  .option('--proxy-port <port>', "the proxy's port (default: the one of the running service)", parsePort)
  .passThroughOptions()
  .allowUnknownOption()
  .addHelpText(
    'after',
    `
The command and everything it starts get a control group of their own, so they are recognised as one AI
agent and can be frozen or killed as a whole. Where control groups cannot be used, a warning says so and
the command runs without one.

On Linux the command and everything it starts are held to the rules about files and programs from its first
instruction on: by Landlock and a filter of system calls, where the kernel does not hold them already. One line
says what holds and what does not. Programs with the set-user-id bit (sudo) gain nothing then, and debuggers,
32-bit programs and new user namespaces are refused.

Set for the command, unless already set:
  OPENAI_BASE_URL      http://127.0.0.1:PORT/v1
  ANTHROPIC_BASE_URL   http://127.0.0.1:PORT
and, where the service reads TLS:
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY, NODE_USE_ENV_PROXY      the proxy for every other address
  NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, REQUESTS_CA_BUNDLE, …  this machine's root beside those of the system

Signals are passed on; the exit code is that of the command, 128+N after signal N, 127 when it was not found.

Examples:
  raypher run -- node examples/openai-agent.mjs "What is in this folder?"
  raypher run -- aider`,
  )
  .action(async (command: string, args: string[], options: GlobalOptions) => {
    const service = await serviceFacts(options);
    const group = openGroup();
    try {
      const env = environment(service);
      const confinement = await confinementIn(group, options, env.PATH, service.mode);
      process.exitCode = await runCommandIn(group, command, args, env, confinement);
    } finally {
      // Programs that the command left running keep the group.
      group?.remove();
    }
  });

/** What the policy in force comes to for this command; undefined, with a warning, where nobody says and none is enforced. */
async function confinementIn(
  group: Cgroup | undefined,
  options: GlobalOptions,
  searched: string | undefined,
  mode: ServiceFacts['mode'],
): Promise<(() => Confinement) | undefined> {
  if (process.platform !== 'linux') return undefined;
  let answer: GuardAnswer;
  try {
    const request = { verb: 'guard-policy', group: group?.name } as const;
    answer = parseGuardAnswer(await askService(resolve(options).paths.control, request));
  } catch (error) {
    // Where rules are enforced, what cannot be held to them does not start.
    if (mode === 'enforce' || !(error instanceof RaypherError)) throw error;
    process.stderr.write(`raypher: WARNING: files and programs are not held: ${error.message}\n`);
    return undefined;
  }
  return confine(answer, searched);
}

/** What the command has to know about the service. */
export interface ServiceFacts {
  /** Of the policy in force; undefined where no service says. */
  mode?: 'enforce' | 'monitor' | undefined;
  /** It may have been started with another port than the configuration names. */
  proxyPort: number;
  /** What programs should trust so that their TLS can be read; undefined where nobody reads it. */
  bundle: string | undefined;
}

async function serviceFacts(options: GlobalOptions): Promise<ServiceFacts> {
  const { config, paths } = resolve(options);
  // What `raypher setup` made for everybody: the service's own file is its user's alone.
  const installed = installedBundle(systemLayout('/'));
  try {
    const status = ServiceStatus.parse(await askService(paths.control, { verb: 'status' }));
    const { proxy, interception, policy } = status;
    const bundle = [interception?.bundle, installed].find((file) => file !== undefined && isReadable(file));
    return {
      mode: policy.mode,
      proxyPort: options.proxyPort ?? proxy.port,
      bundle: interception === null ? undefined : bundle,
    };
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    if (options.proxyPort === undefined) {
      process.stderr.write(
        `raypher: ${error.message} The proxy is taken to be on port ${config.proxyPort}.\n${error.hint ?? ''}\n`,
      );
    }
    return { proxyPort: options.proxyPort ?? config.proxyPort, bundle: installed };
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, fileModes.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Base URLs of the official clients, the proxy for everything else, and whom to trust. What is set already stays. */
export function environment(
  { proxyPort, bundle }: ServiceFacts,
  given: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const origin = `http://127.0.0.1:${proxyPort}`;
  const baseUrls = { OPENAI_BASE_URL: `${origin}/v1`, ANTHROPIC_BASE_URL: origin };
  if (bundle === undefined) return { ...baseUrls, ...given };
  const foreign = foreignTrust(bundle, given);
  if (foreign.length > 0) {
    process.stderr.write(
      `raypher: ${foreign.join(', ')} is set already: programs that use it do not trust this machine's root, and their TLS cannot be read.\n`,
    );
  }
  return { ...baseUrls, ...proxyVariables(proxyPort, given), ...trustVariables(bundle), ...given };
}

function openGroup(): Cgroup | undefined {
  try {
    return createRunCgroup(randomUUID());
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    process.stderr.write(`raypher: ${error.message} The command runs without one.\n`);
    return undefined;
  }
}

/**
 * Runs a command to its end and returns its exit code. It enters the group before it is executed: something else puts
 * itself there and then becomes the command, so no instruction of the command runs outside.
 *
 * @param confinement what it is held to from its first instruction on
 */
export function runCommandIn(
  group: Cgroup | undefined,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  confinement: (() => Confinement) | undefined,
): Promise<number> {
  const child =
    confinement === undefined
      ? start(group, command, args, env)
      : startConfined({ group: group?.path ?? null, confinement, command, args, env }, 'inherit');
  const forward = (signal: NodeJS.Signals): void => {
    if (!(process.stdin.isTTY && FROM_TERMINAL.has(signal))) child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  const { promise, resolve: finish } = Promise.withResolvers<number>();
  child.once('error', (error: NodeJS.ErrnoException) => {
    process.stderr.write(`raypher: ${command} cannot be started: ${error.message}\n`);
    finish(error.code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE);
  });
  child.once('exit', (code, signal) => {
    finish(code ?? SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal]));
  });
  return promise.finally(() => {
    for (const signal of FORWARDED) process.off(signal, forward);
  });
}

function start(
  group: Cgroup | undefined,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): ChildProcess {
  if (group === undefined) return spawn(command, args, { stdio: 'inherit', env });
  return spawn('/bin/sh', ['-c', ENTER_AND_EXECUTE, 'raypher', group.path, command, ...args], {
    stdio: 'inherit',
    env,
  });
}
