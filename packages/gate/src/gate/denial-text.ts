import type { GateAnswer } from './decision.ts';

type Refused = Pick<GateAnswer, 'verdict' | 'rule' | 'reason' | 'revision'> & {
  approval?: string | undefined;
};

/**
 * What an AI agent is told when it may not act, so that it stops and does not look for another way to the same end.
 *
 * @example denialText(answer) // "Blocked by Raypher: … Do not try to reach the same result in another way. …"
 */
export function denialText(answer: Refused): string {
  const source = `(rule ${answer.rule}, revision ${answer.revision})`;
  const reason = answer.reason.replace(/\.$/, '');
  if (answer.verdict === 'PROMPT') {
    const which = answer.approval === undefined ? '' : `, approval ${answer.approval}`;
    return `Waiting for a person: ${reason}. ${source} This action has not been allowed yet${which}. Do not do it, and do not try to reach the same result in another way. Ask again later, or tell the person you work for.`;
  }
  return `Blocked by Raypher: ${reason}. ${source} Do not try to reach the same result in another way. Stop this step and tell the person you work for what was blocked.`;
}
