import { MAX_APPROVAL_MINUTES, RaypherError } from '@raypher/shared';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import type { Decision } from '../approvals/decision.ts';
import { askService } from './control-client.ts';
import { type GlobalOptions, operator, resolve, withGlobalOptions, withJson } from './global-options.ts';
import { refuseUnknown } from './help-command.ts';
import { count, print, printable, table } from './output.ts';

const Waiting = z.array(
  z.object({
    id: z.string(),
    secondsLeft: z.number(),
    actor: z.object({ name: z.string(), pid: z.number().optional() }),
    action: z.string(),
    target: z.string(),
    rule: z.string(),
    layer: z.string(),
    reason: z.string(),
    approversNeeded: z.number(),
    allowedBy: z.array(z.string()),
  }),
);
type Waiting = z.infer<typeof Waiting>;

const Effect = z.object({
  outcome: z.enum(['ALLOW', 'DENY', 'waiting']),
  scope: z.enum(['once', 'session', 'minutes']),
  minutes: z.number().optional(),
  approversNeeded: z.number(),
  approversGiven: z.number(),
});
type Effect = z.infer<typeof Effect>;

interface DecideOptions extends GlobalOptions {
  for?: Pick<Decision, 'scope' | 'minutes'>;
  reason?: string;
}

const DECIDING = `
On a device of an organisation its people allow on the dashboard; here a question can only be denied. The name
that is recorded is that of the user who runs this, seen through sudo.

Examples:
  raypher approvals
  raypher approvals allow 3f2a --for session
  raypher approvals allow 3f2a --for 30
  raypher approvals deny 3f2a --reason "not this database"

Exit codes: 0 done, 2 usage, 3 not permitted here, 4 no such question, 5 it has ended, 7 the service is not running.`;

const list = withJson(withGlobalOptions(new Command('list')))
  .description('show the questions that wait for an answer')
  .addHelpText(
    'after',
    '\nExamples:\n  raypher approvals\n\nExit codes: 0 shown, 3 not permitted, 7 the service is not running.',
  )
  .action(async (options: GlobalOptions) => {
    const { paths } = resolve(options);
    const waiting = Waiting.parse(await askService(paths.control, { verb: 'approvals' }));
    print(waiting, options.json === true, () => lines(waiting));
  });

export const approvalsCommand = refuseUnknown(new Command('approvals'))
  .addCommand(list, { isDefault: true })
  .addCommand(decisionCommand('allow', 'let an AI agent go on; only on a machine without an organisation'))
  .addCommand(decisionCommand('deny', 'refuse it'))
  .addHelpText('after', DECIDING);

function decisionCommand(outcome: Decision['outcome'], description: string): Command {
  return withJson(withGlobalOptions(new Command(outcome)))
    .description(description)
    .argument('<id>', 'the question, or the beginning of its id')
    .option('--for <session|minutes>', 'how long it holds: once (default), session, or minutes', parseReach)
    .option('--reason <text>', 'why; kept in the ledger, and shown to the AI agent with a denial')
    .addHelpText('after', DECIDING)
    .action(async (given: string, options: DecideOptions) => {
      const { paths } = resolve(options);
      const waiting = Waiting.parse(await askService(paths.control, { verb: 'approvals' }));
      const decision: Decision = {
        approval: idFrom(given, waiting),
        outcome,
        ...(options.for ?? { scope: 'once' }),
        by: operator(),
        ...(options.reason === undefined ? {} : { reason: options.reason }),
      };
      const result = Effect.parse(await askService(paths.control, { verb: 'decide-approval', decision }));
      print(result, options.json === true, () => [sentence(result)]);
    });
}

/** A whole id is taken as it is: the service knows what became of questions that have ended. */
function idFrom(given: string, waiting: Waiting): string {
  if (z.uuid().safeParse(given).success) return given;
  const found = waiting.filter(({ id }) => given.length >= 4 && id.startsWith(given.toLowerCase()));
  const [one, ...others] = found;
  if (one !== undefined && others.length === 0) return one.id;
  throw new RaypherError(
    'approval/unknown',
    one === undefined
      ? `No question that waits begins with ${printable(given)}.`
      : `${found.length} questions begin with ${printable(given)}.`,
    { hint: 'See `raypher approvals`; at least 4 characters of an id are needed.' },
  );
}

function parseReach(text: string): Pick<Decision, 'scope' | 'minutes'> {
  if (text === 'session' || text === 'once') return { scope: text };
  const minutes = Number(text);
  if (/^\d+$/.test(text) && minutes >= 1 && minutes <= MAX_APPROVAL_MINUTES)
    return { scope: 'minutes', minutes };
  throw new InvalidArgumentError(`Say once, session, or minutes from 1 to ${MAX_APPROVAL_MINUTES}.`);
}

function lines(waiting: Waiting): string[] {
  if (waiting.length === 0) return ['No question waits for an answer.'];
  return [
    ...table(
      ['ID', 'LEFT', 'AI AGENT', 'WANTS TO', 'RULE', 'APPROVERS'],
      waiting.map((one) => [
        one.id.slice(0, 8),
        `${one.secondsLeft} s`,
        one.actor.pid === undefined ? one.actor.name : `${one.actor.name} (${one.actor.pid})`,
        `${one.action} ${one.target}`,
        `${one.rule} (${one.layer})`,
        `${one.allowedBy.length} of ${one.approversNeeded}`,
      ]),
    ),
    '',
    ...waiting.map(({ id, reason }) => `${id.slice(0, 8)}: ${printable(reason)}`),
  ];
}

function sentence({ outcome, scope, minutes, approversNeeded, approversGiven }: Effect): string {
  if (outcome === 'waiting') {
    return `Recorded: ${approversGiven} of ${approversNeeded} people allowed it. It goes on when another one does.`;
  }
  const reach = {
    once: 'once',
    session: 'while this process lives',
    minutes: `for ${count(minutes ?? 0, 'minute')}`,
  };
  return `${outcome === 'ALLOW' ? 'Allowed' : 'Denied'} ${reach[scope]}.`;
}
