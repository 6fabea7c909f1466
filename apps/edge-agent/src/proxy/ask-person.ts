import { type Verdict, withoutAnswer } from '@raypher/policy';
import type { ApprovalAnswer } from '../approvals/approval.ts';
import type { OpenConnection } from '../connections/live-connections.ts';
import type { Exchange } from './exchange.ts';
import { actorOf, denialMessage, maskPath } from './network-event.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { Stop } from './refusal.ts';

/** What came of a question to a person. */
export type Asked = { readonly answer: ApprovalAnswer | undefined } & (
  | { readonly allowed: true }
  | { readonly allowed: false; readonly stop: Stop }
);

/**
 * Waits for a person to decide what policy leaves to one. Where nobody can be asked, the rule says what happens.
 *
 * @param verdict its effective opinion is a PROMPT
 * @param details short facts for the person, masked
 */
export async function askPerson(
  { approvals }: Pick<ProxyContext, 'approvals'>,
  exchange: Exchange,
  verdict: Verdict,
  connection: OpenConnection,
  details: Readonly<Record<string, string | number | readonly string[]>>,
): Promise<Asked> {
  if (approvals === undefined) {
    return withoutAnswer(verdict.effective) === 'ALLOW'
      ? { allowed: true, answer: undefined }
      : { allowed: false, answer: undefined, stop: { kind: 'denied', message: denialMessage(verdict) } };
  }
  const { caller, destination } = exchange;
  const target = `${destination.host}${maskPath(exchange.path)}`;
  const { rule, layer } = verdict.effective;
  connection.state.outcome = 'PROMPT';
  const answer = await approvals.ask(
    {
      verdict,
      actor: actorOf(caller),
      action: 'call',
      target,
      subject: JSON.stringify([caller.process?.pid, caller.process?.startTime, layer, rule, target]),
      details,
    },
    AbortSignal.any([exchange.gone, connection.cut]),
  );
  if (answer.outcome === 'ALLOW') {
    connection.state.outcome = 'ALLOW';
    return { allowed: true, answer };
  }
  return { allowed: false, answer, stop: { kind: 'denied', message: refusedBy(answer, verdict) } };
}

/** What the AI agent is told: to stop, and not to look for another way. */
function refusedBy({ how, by }: ApprovalAnswer, verdict: Verdict): string {
  const why =
    how === 'person' || how === 'remembered'
      ? `${by ?? 'A person'} was asked and said no`
      : how === 'timeout'
        ? 'A person was asked and did not answer in time'
        : 'A person has to allow this and could not be asked';
  return `${denialMessage(verdict)} ${why}. Stop here and tell the person you work for; do not try another way.`;
}
