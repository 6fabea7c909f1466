import { existsSync } from 'node:fs';
import { resolve as resolvePath } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { Command } from 'commander';
import { z } from 'zod';
import { Allowance } from '../callers/allowance.ts';
import type { Config } from '../config/config.ts';
import { UserNames, uidOf } from '../discovery/users.ts';
import type { ControlRequest } from '../service/control-protocol.ts';
import type { AgentPaths } from '../service/paths.ts';
import { whyReplaceable } from '../setup/trusted-path.ts';
import { AllowList } from '../store/allow-list.ts';
import { askServiceOrAgent } from './ask-service-or-agent.ts';
import { type GlobalOptions, operator, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { print, table } from './output.ts';

interface AllowOptions extends GlobalOptions {
  script?: string;
  user?: string;
  anyUser?: boolean;
  list?: boolean;
  remove?: string;
}

type AllowVerb = Extract<ControlRequest, { verb: 'allow' | 'disallow' | 'allowed' }>;

const Program = z.object({
  id: z.string(),
  path: z.string(),
  sha256: z.string(),
  script: z.object({ path: z.string(), sha256: z.string() }).optional(),
  uid: z.number().optional(),
  allowedBy: z.string(),
});
type Program = z.infer<typeof Program>;

export const allowCommand = withJson(withGlobalOptions(new Command('allow')))
  .argument('[path]', 'its executable')
  .option('--script <file>', 'the script, for an executable that runs scripts (python, node, bash …)')
  .option('--user <name>', 'only when this user runs it; default: you')
  .option('--any-user', 'whoever runs it')
  .option('--list', 'show what is allowed')
  .option('--remove <id|path>', 'take it back')
  .addHelpText(
    'after',
    `
What is allowed is the content of the file at this path (its SHA-256), not its name: a changed program, or an
update, must be allowed again. It takes effect at once, and every change is recorded.

Examples:
  raypher allow /opt/bot/bot
  raypher allow /usr/bin/python3 --script /opt/bot/main.py --user bot
  raypher allow --list
  raypher allow --remove /opt/bot/bot

Exit codes: 0 done, 2 it cannot be allowed, 3 not permitted.`,
  )
  .action(async (path: string | undefined, options: AllowOptions) => {
    const { paths, config } = resolve(options);
    const request = requestFrom(path, options);
    const answer = await ask(paths, config, request);
    const programs = z.array(Program).parse(Array.isArray(answer) ? answer : [answer]);
    print(programs, options.json === true, () => lines(request, programs));
    if (request.verb === 'allow') for (const program of programs) warnOfReplaceable(program);
  });

/** What is compared is what lies there when the agent looks: only a place that nobody else can change keeps it so. */
function warnOfReplaceable({ path, script }: Program): void {
  for (const file of [path, ...(script === undefined ? [] : [script.path])]) {
    const why = whyReplaceable(file, 'anywhere');
    if (why === undefined) continue;
    process.stderr.write(
      `raypher: ${why}: ${file} can be made to do other things than what was allowed. Keep it where only root can write.\n`,
    );
  }
}

function requestFrom(path: string | undefined, options: AllowOptions): AllowVerb {
  const { list, remove, script } = options;
  const wanted = [path !== undefined, list === true, remove !== undefined].filter(Boolean);
  if (wanted.length !== 1) {
    throw new RaypherError('request/invalid', 'Say one of: a program, --list, --remove.', {
      hint: 'raypher allow PATH, raypher allow --list, or raypher allow --remove ID',
    });
  }
  if (list === true) return { verb: 'allowed' };
  if (remove !== undefined) {
    // An id as it is, a path as the entry has it.
    const target = existsSync(remove) ? resolvePath(remove) : remove;
    return { verb: 'disallow', target, by: operator() };
  }
  const uid = userFrom(options);
  return {
    verb: 'allow',
    path: resolvePath(path ?? ''),
    ...(script === undefined ? {} : { script: resolvePath(script) }),
    ...(uid === undefined ? {} : { uid }),
    by: operator(),
  };
}

/** The one who asks, seen through sudo. Root itself must say whom it means. */
function userFrom({ user, anyUser }: AllowOptions): number | undefined {
  if (anyUser === true && user !== undefined) {
    throw new RaypherError('request/invalid', '--user and --any-user contradict each other.');
  }
  if (anyUser === true) return undefined;
  const uid = process.getuid?.() ?? 0;
  if (user === undefined && uid !== 0) return uid;
  const name = user ?? process.env.SUDO_USER;
  if (name === undefined || name === '') {
    throw new RaypherError('request/invalid', 'Say who may run it: you are root.', {
      hint: 'Add --user NAME, or --any-user.',
    });
  }
  const found = uidOf(name);
  if (found !== undefined) return found;
  throw new RaypherError('request/invalid', `There is no user ${name} on this machine.`);
}

/** Of the running service, or, when there is none, under its lock. */
function ask(paths: AgentPaths, config: Config, request: AllowVerb): Promise<unknown> {
  return askServiceOrAgent({ paths, config }, request, (agent) =>
    carryOut(new Allowance(new AllowList(agent.db), (event) => agent.ledger.note(event)), request),
  );
}

async function carryOut(allowance: Allowance, request: AllowVerb): Promise<unknown> {
  switch (request.verb) {
    case 'allow':
      return allowance.allow({ ...request, script: request.script, uid: request.uid });
    case 'disallow':
      return allowance.disallow(request.target, request.by);
    case 'allowed':
      return allowance.list();
  }
}

function lines(request: AllowVerb, programs: readonly Program[]): string[] {
  const [first] = programs;
  if (first === undefined) return ['Nothing is allowed. Allow a program: raypher allow PATH'];
  if (request.verb === 'disallow') return programs.map((program) => `No longer allowed: ${nameOf(program)}.`);
  if (request.verb === 'allow') {
    return [
      `Allowed: ${nameOf(first)}, for ${userOf(first)}.`,
      `Take it back with \`raypher allow --remove ${first.id}\`.`,
    ];
  }
  return table(
    ['ID', 'USER', 'SHA-256', 'PROGRAM', 'ALLOWED BY'],
    programs.map((program) => [
      program.id,
      userOf(program),
      (program.script?.sha256 ?? program.sha256).slice(0, 12),
      nameOf(program),
      program.allowedBy,
    ]),
  );
}

function nameOf({ path, script }: Program): string {
  return script === undefined ? path : `${path} ${script.path}`;
}

function userOf({ uid }: Program): string {
  if (uid === undefined) return 'any user';
  const names = new UserNames();
  names.refresh();
  return names.nameOf(uid);
}
