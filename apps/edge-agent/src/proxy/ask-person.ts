import { createHash, randomUUID } from 'node:crypto';
import { type Verdict, withoutAnswer } from '@raypher/policy';
import type { ApprovalAnswer, ApprovalQuestion } from '../approvals/approval.ts';
import { denialText } from '../approvals/denial-text.ts';
import type { OpenConnection } from '../connections/live-connections.ts';
import type { Exchange } from './exchange.ts';
import { actorOf, denialMessage } from './network-event.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { Stop } from './refusal.ts';

/** What came of a question to a person. */
export type Asked = { readonly answer: ApprovalAnswer | undefined } & (
  | { readonly allowed: true }
  | { readonly allowed: false; readonly stop: Stop }
);

/** Previews mask what was found and end early: two requests may look the same and not be it. */
function contentOf({ destination, request, read: { body } }: Exchange): string {
  const digest = createHash('sha256').update(JSON.stringify([destination.path, request.rawHeaders]));
  if (body === undefined) return digest.digest('hex');
  // What streams past has not been read: it is like nothing else.
  return Buffer.isBuffer(body) ? digest.update(body).digest('hex') : randomUUID();
}

/**
 * Waits for a person to decide what policy leaves to one. Where nobody can be asked, the rule says what happens.
 *
 * @param verdict its effective opinion is a PROMPT
 * @param details short facts for the person, masked
 */
export async function askPerson(
  { approvals, data }: Pick<ProxyContext, 'approvals' | 'data'>,
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
  const target = `${destination.host}${data.recordedPath(exchange.path)}`;
  const { rule, layer } = verdict.effective;
  connection.state.outcome = 'PROMPT';
  const question: ApprovalQuestion = {
    verdict,
    actor: actorOf(caller),
    action: 'call',
    target,
    subject: JSON.stringify([caller.process?.pid, caller.process?.startTime, layer, rule, target]),
    details,
    content: contentOf(exchange),
  };
  const answer = await approvals.ask(question, AbortSignal.any([exchange.gone, connection.cut]));
  if (answer.outcome === 'ALLOW') {
    connection.state.outcome = 'ALLOW';
    return { allowed: true, answer };
  }
  return { allowed: false, answer, stop: { kind: 'denied', message: denialText(question, answer) } };
}
