import { changeInWords, diffPolicies, documentsFor, type PolicyChange } from '@raypher/policy';
import { PolicyDocuments } from '@raypher/shared/rest';
import { z } from 'zod';

/** What an entry about a policy holds on each side, as far as it is read here. */
const Side = z.object({ documents: PolicyDocuments });

export interface RuleChange {
  /** `Global policy`, or the team's id. */
  whose: string;
  words: string;
  before?: string;
  after?: string;
}

/**
 * What a change of policy did, rule by rule.
 *
 * @returns undefined for entries that are not about documents
 */
export function policyRuleChanges(before: unknown, after: unknown): RuleChange[] | undefined {
  const [from, to] = [Side.safeParse(before).data?.documents, Side.safeParse(after).data?.documents];
  if (to === undefined) return undefined;
  const owners = [...new Set([...(from ?? []), ...to].map(({ team }) => team))];
  return owners.flatMap((team) => {
    const own = (documents: PolicyDocuments) =>
      documentsFor(
        documents.filter((one) => one.team === team),
        team,
      );
    return diffPolicies(own(from ?? []), own(to)).map((change) => ({
      whose: team === undefined ? 'Global policy' : `Team ${team}`,
      words: changeInWords(change),
      ...sidesOf(change),
    }));
  });
}

function sidesOf(change: PolicyChange): { before?: string; after?: string } {
  switch (change.kind) {
    case 'rule-added':
      return { after: text(change.after) };
    case 'rule-removed':
      return { before: text(change.before) };
    case 'rule-changed':
      return { before: text(change.before), after: text(change.after) };
    case 'rules-reordered':
      return { before: change.before.join(', '), after: change.after.join(', ') };
    default:
      return {};
  }
}

/** One key a line, as in the document. */
function text(rule: object): string {
  return Object.entries(rule)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');
}
