import { homedir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { isSea } from 'node:sea';
import { text } from 'node:stream/consumers';
import { RaypherError } from '@raypher/shared/errors';
import { Command, InvalidArgumentError } from 'commander';
import { answerHook } from '../gate/claude-code/answer-hook.ts';
import { changeSettings, withHooks, withoutHooks } from '../gate/claude-code/hook-settings.ts';
import { openGate } from '../gate/open-gate.ts';
import { type GlobalOptions, resolve, withGlobalOptions } from './global-options.ts';

interface HookCommandOptions extends GlobalOptions {
  install?: boolean;
  uninstall?: boolean;
  user?: boolean;
  project?: boolean;
  wait: number;
}

/** Claude Code stops a tool on this one; on any other failure it goes on. */
const BLOCK = 2;
/** Less than what the installed settings let a hook take. */
const LONGEST_WAIT = 540;

const claudeCode = withGlobalOptions(new Command('claude-code'))
  .description('decide about the tools that Claude Code is about to use')
  .option('--install', 'write the hooks into the settings of Claude Code')
  .option('--uninstall', 'take exactly these out again')
  .option('--user', 'with them: ~/.claude/settings.json (default)')
  .option('--project', 'with them: .claude/settings.json of this folder')
  .option(
    '--wait <seconds>',
    'how long a person may think about what policy wants asked',
    parseWait,
    LONGEST_WAIT,
  )
  .addHelpText(
    'after',
    `
Without --install it is the hook itself: it reads what Claude Code is about to do from its standard input, asks the
action gate of the running service, and prints the answer. Claude Code 2.1.295 or later also blocks when the hook
cannot run (the installed settings say so); older versions then let the tool run.

What policy denies is denied with a reason that tells Claude to stop. What it allows is left to Claude Code's own
permissions. What a person has to agree to waits, and is allowed when somebody did.
When the service does not answer: denied where the last policy was enforced, let through where it only recorded.

Examples:
  raypher hook claude-code --install
  raypher hook claude-code --install --project
  raypher hook claude-code --uninstall

Exit codes: 0 answered, 2 blocked because it could not be decided.`,
  )
  .action(async (options: HookCommandOptions) => {
    if (options.install === true || options.uninstall === true) {
      changeHooks(options);
      return;
    }
    await answer(options);
  });

export const hookCommand = new Command('hook')
  .addCommand(claudeCode)
  .addHelpText('after', '\nExample:\n  raypher hook claude-code --install');

function changeHooks(options: HookCommandOptions): void {
  if (options.install === true && options.uninstall === true) {
    throw new RaypherError('request/invalid', '--install and --uninstall contradict each other.');
  }
  if (options.user === true && options.project === true) {
    throw new RaypherError('request/invalid', '--user and --project contradict each other.', {
      hint: 'Run it once for each.',
    });
  }
  const folder = options.project === true ? process.cwd() : homedir();
  const path = join(folder, '.claude', 'settings.json');
  const command = hookCall(options);
  const changed = changeSettings(path, (settings) =>
    options.install === true ? withHooks(settings, command) : withoutHooks(settings),
  );
  const done = options.install === true ? 'are in' : 'are not in';
  process.stdout.write(
    `The hooks ${done} ${path}${changed ? '' : ', as they were'}. Sessions that run keep what they started with.\n`,
  );
}

/** What Claude Code has to run. In a project others share it, so it names no place on this machine. */
function hookCall(options: HookCommandOptions): string {
  const [, script = ''] = process.argv;
  const program = isSea() ? [process.execPath] : [process.execPath, resolvePath(script)];
  const call = options.project === true ? ['raypher'] : program;
  const given = [
    ...(options.dataDir === undefined ? [] : ['--data-dir', resolvePath(options.dataDir)]),
    ...(options.config === undefined ? [] : ['--config', resolvePath(options.config)]),
    ...(options.wait === LONGEST_WAIT ? [] : ['--wait', String(options.wait)]),
  ];
  return [...call.map(quoted), 'hook', 'claude-code', ...given.map(quoted)].join(' ');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Whatever goes wrong blocks: to Claude Code any other exit code means that it may go on. */
async function answer(options: HookCommandOptions): Promise<void> {
  try {
    const { config } = resolve(options);
    const output = await answerHook(await text(process.stdin), {
      open: () => openGate(config),
      waitMs: options.wait * 1000,
    });
    if (output !== undefined) process.stdout.write(`${JSON.stringify(output)}\n`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`Blocked by Raypher: it could not be decided. ${reason}\n`);
    process.exitCode = BLOCK;
  }
}

function parseWait(given: string): number {
  const seconds = Number(given);
  if (/^\d+$/.test(given) && seconds <= LONGEST_WAIT) return seconds;
  throw new InvalidArgumentError(`A whole number of seconds up to ${LONGEST_WAIT}.`);
}
