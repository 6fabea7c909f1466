import { withoutAnswer } from '@raypher/policy';
import type { ApprovalAnswer } from '../approvals/approval.ts';
import type { Hold } from '../budgets/spending.ts';
import type { OpenConnection } from '../connections/live-connections.ts';
import { askPerson } from './ask-person.ts';
import { type CallDecision, decideCall } from './decide-call.ts';
import type { Exchange } from './exchange.ts';
import { denialMessage } from './network-event.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { Stop } from './refusal.ts';

export type Held =
  | {
      readonly decision: CallDecision;
      /** Undefined where nothing limits the call. */
      readonly money: Hold | undefined;
      /** Of the last person who was asked. */
      readonly answer: ApprovalAnswer | undefined;
    }
  | { readonly decision: CallDecision; readonly stop: Stop };

const NOT_COUNTED =
  'Blocked by Raypher: what this call costs cannot be counted right now, and a limit is in force.';

/** Rules of different layers may each want a person; more than this in a row is a mistake of the policy. */
const MOST_QUESTIONS = 4;

/**
 * The last word before a request is sent. What a person said may have taken minutes, and the balance is another one
 * by now: it is decided anew until nothing is left to ask, and the money is held in the turn of that decision.
 */
export async function holdMoney(
  context: ProxyContext,
  exchange: Exchange,
  connection: OpenConnection,
): Promise<Held> {
  const allowed = new Set<string>();
  let answer: ApprovalAnswer | undefined;
  for (let questions = 0; ; questions += 1) {
    const decision = decideCall(context, exchange);
    const { effective } = decision.verdict;
    const question = JSON.stringify([effective.layer, effective.rule]);
    const isOpen = effective.outcome === 'PROMPT' && !allowed.has(question);
    if (!isOpen) {
      if (effective.outcome === 'DENY') return { decision, stop: denialOf(context, decision) };
      const money = holdFor(context, decision);
      return money === 'not-counted'
        ? { decision, stop: { kind: 'unavailable', message: NOT_COUNTED } }
        : { decision, money, answer };
    }
    if (questions === MOST_QUESTIONS) return { decision, stop: denialOf(context, decision) };
    const asked = await askPerson(context, exchange, decision.verdict, connection, {
      ...(typeof decision.model === 'string' ? { model: context.data.recordedModel(decision.model) } : {}),
      ...(connection.state.asked === '' ? {} : { preview: connection.state.asked }),
    });
    if (!asked.allowed) return { decision, stop: asked.stop };
    allowed.add(question);
    answer = asked.answer ?? answer;
  }
}

/** Why a call is refused, in the way its provider would say it. */
export function denialOf({ spending }: ProxyContext, { verdict, limits, bound }: CallDecision): Stop {
  const { section, rule, layer } = verdict.effective;
  if (section !== 'financial') return { kind: 'denied', message: denialMessage(verdict) };
  const limit = limits.find((one) => one.id === rule && one.layer === layer);
  const retryAt =
    limit === undefined
      ? undefined
      : spending?.resetsAt(limit, bound?.cost.known === true ? bound.cost.micros : 0);
  const when = retryAt === undefined ? '' : ` There is room again from ${new Date(retryAt).toISOString()}.`;
  return { kind: 'over-budget', message: `${denialMessage(verdict)}${when}`, retryAt };
}

/** Whether nothing that comes later can change that a call is refused. */
export function isRefused({ verdict: { effective } }: CallDecision): boolean {
  return effective.outcome !== 'PROMPT' && withoutAnswer(effective) === 'DENY';
}

/** @returns `not-counted` when the store cannot be used and a limit is enforced: the call must not be sent then */
function holdFor(
  { spending, failed }: ProxyContext,
  { limits, bound }: CallDecision,
): Hold | undefined | 'not-counted' {
  if (spending === undefined || limits.length === 0) return undefined;
  // Nobody knows what it costs and no limit in force forbids that: it is counted when it is known.
  const amount = bound?.cost.known === true ? bound.cost.micros : 0;
  try {
    return spending.hold(limits, amount);
  } catch (error) {
    failed(error);
    return limits.some(({ mode }) => mode === 'enforce') ? 'not-counted' : undefined;
  }
}
