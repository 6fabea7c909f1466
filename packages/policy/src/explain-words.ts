import type { Explanation, Mismatch, NearMiss, RuleExplanation, SectionExplanation } from './explain.ts';
import type { PlaceOpinion } from './private-address.ts';
import type { Opinion } from './verdict.ts';

/** Values of one condition, and rules of one section, that are written out. */
const MAX_VALUES = 5;
const MAX_RULES = 12;

/**
 * An explanation as lines of text. First what happens and why, and what is recorded where that differs; then layer
 * by layer what each section says, why the rules before the one that matched did not and why that one did; last what
 * would have led to something milder.
 */
export function explainInWords(explanation: Explanation): string[] {
  const { verdict, host, place, layers } = explanation;
  const { effective, obligations = [] } = verdict;
  const passes = effective.outcome !== 'DENY';
  const lines = [`${happens(effective)} by ${nameOf(effective)}: ${effective.reason}`];
  if (!verdict.enforced && verdict.outcome !== effective.outcome) {
    lines.push(
      `Only recorded, as that layer is in monitor mode: ${happens(verdict)} by ${nameOf(verdict)}: ${verdict.reason}`,
    );
  }
  if (passes && obligations.includes('redact')) lines.push('What was found is replaced before it goes on.');
  if (passes && obligations.includes('alert')) lines.push('It is brought to attention.');
  if (verdict.provisional === true) {
    lines.push(
      'Some rule asks for the address of this host, which is not known here: with it the answer may differ.',
    );
  }
  if (host !== undefined) lines.push(`Compared as: ${host}`);
  if (place !== undefined) lines.push(placeLine(place));
  for (const { layer, mode, sections } of layers) {
    const said = sections.flatMap(sectionLines);
    const title = `${layer} layer${mode === 'monitor' ? ' (monitor: recorded, not carried out)' : ''}`;
    lines.push('', title, ...(said.length === 0 ? ['  no opinion on this'] : said));
  }
  return [...lines, ...wayOut(explanation)];
}

/** What happens, as a person says it. */
function happens({ outcome, onTimeout, timeoutSeconds, approvers }: Opinion): string {
  if (outcome === 'ALLOW') return 'Allowed';
  if (outcome === 'DENY') return 'Denied';
  const who = approvers === 2 ? 'two people agree' : 'somebody agrees';
  const wait = timeoutSeconds === undefined ? '' : ` within ${timeoutSeconds} s`;
  return `Held until ${who}${wait} (else ${onTimeout === 'ALLOW' ? 'allowed' : 'denied'})`;
}

function placeLine({ special, permittedBy }: PlaceOpinion): string {
  const what = `Not on the public internet: ${special.class} (${special.within})`;
  return permittedBy === undefined
    ? `${what}. No rule that decides in the highest layer names it.`
    : `${what}, permitted because ${permittedBy} names it.`;
}

function sectionLines({ section, opinion, decidedBy, rules }: SectionExplanation): string[] {
  if (section === 'financial') return limitLines(opinion, rules);
  if (opinion === undefined) {
    return rules.length === 0 ? [] : [`  ${section}: no opinion, as no rule matches`, ...missedRules(rules)];
  }
  const matched = rules.find(({ status }) => status === 'matched');
  const after = rules.filter(({ status }) => status === 'not-reached').length;
  const lines = [
    `  ${section}: ${consequenceOf(opinion)} by ${decider(opinion, decidedBy)}`,
    ...missedRules(rules),
  ];
  if (matched !== undefined) lines.push(`    ${matched.id} matches${because(matched.matches ?? [])}`);
  if (after > 0)
    lines.push(`    ${after === 1 ? '1 rule after it is' : `${after} rules after it are`} not tried`);
  return lines;
}

function decider({ rule, exceptionFrom }: Opinion, decidedBy: SectionExplanation['decidedBy']): string {
  if (decidedBy === 'exception') return `exception ${rule} from ${exceptionFrom ?? 'its rule'}`;
  return decidedBy === 'default' ? `${rule}, as no rule matches` : `rule ${rule}`;
}

function missedRules(rules: readonly RuleExplanation[]): string[] {
  const missed = rules.filter(({ status }) => status === 'not-matched');
  const lines = missed
    .slice(0, MAX_RULES)
    .map(({ id, mismatches }) => `    ${id} does not match: ${mismatches.map(mismatchText).join(', and ')}`);
  return missed.length > MAX_RULES ? [...lines, `    ${missed.length - MAX_RULES} more do not match`] : lines;
}

function because(matches: readonly Mismatch[]): string {
  if (matches.length === 0) return '';
  const texts = matches.map(({ matcher, wanted, actual }) =>
    actual === null
      ? `${nameOfMatcher(matcher)} is not known, which counts for rules that restrict`
      : `${nameOfMatcher(matcher)} ${actualText(actual)} fits ${wantedText(wanted)}`,
  );
  return `: ${texts.join(', and ')}`;
}

function limitLines(opinion: Opinion | undefined, rules: readonly RuleExplanation[]): string[] {
  const said =
    opinion === undefined
      ? 'no opinion, as all limits are kept'
      : `${consequenceOf(opinion)} by limit ${opinion.rule}`;
  return [`  financial: ${said}`, ...rules.map(limitLine)];
}

function limitLine({ id, status, matches = [], mismatches }: RuleExplanation): string {
  const [amount] = status === 'matched' ? matches : mismatches;
  const counted = typeof amount?.actual === 'object' ? (amount.actual ?? []).join(', ') : '';
  const isKept = status === 'matched' ? 'is not kept, or nobody can say that it is' : 'is kept';
  return `    ${id}, ${amount?.wanted.join(' ') ?? ''}, ${isKept}: ${counted}`;
}

function consequenceOf({ outcome, obligation }: Opinion): string {
  return obligation === undefined ? outcome : `${outcome} and ${obligation}`;
}

/** What would have led elsewhere, of every section that had to say something milder for that. */
function wayOut({ verdict, layers, place }: Explanation): string[] {
  if (verdict.outcome === 'ALLOW') return [];
  const ways = layers.flatMap(({ layer, sections }) =>
    sections
      .filter(({ opinion }) => opinion !== undefined && opinion.outcome !== 'ALLOW')
      .map((section) =>
        [...section.nearestMisses.map(missText), ownWay(section)].map((way) => `  ${layer}: ${way}`),
      ),
  );
  if (place !== undefined && place.permittedBy === undefined) {
    ways.push(['  every layer: a rule of the highest one has to name this address']);
  }
  if (ways.length === 0) return [];
  const all = ways.length === 1 ? '' : ' (each of these has to change)';
  return ['', `What would have been milder${all}`, ...ways.flat()];
}

function ownWay({ section, opinion, decidedBy }: SectionExplanation): string {
  const rule = opinion?.exceptionFrom ?? opinion?.rule ?? '';
  if (section === 'financial') return `a higher limit than ${rule}, or its next period`;
  const before = decidedBy === 'default' ? 'a rule' : `a rule before ${rule}`;
  return `${before} under ${section}, or an exception with \`rules: [${rule}]\`, in this layer's own document`;
}

function missText({ kind, id, outcome, mismatches }: NearMiss): string {
  return `${kind} ${id} says ${outcome}, but ${mismatches.map(mismatchText).join(', and ')}`;
}

function mismatchText({ matcher, wanted, actual }: Mismatch): string {
  if (matcher === 'expires') return `it holds ${wanted.join()} and it is ${String(actual)}`;
  return `${nameOfMatcher(matcher)} is ${actualText(actual)}, not ${wantedText(wanted)}`;
}

/** As people say it; the short form of a document where that says enough. */
function nameOfMatcher(matcher: string): string {
  return matcher === 'below' ? 'trust score' : matcher.replace(/^when\./, '');
}

const OPERATORS: Readonly<Record<string, string>> = {
  eq: '',
  in: 'one of ',
  lt: 'less than ',
  lte: 'at most ',
  gt: 'more than ',
  gte: 'at least ',
  glob: 'like ',
  regex: 'the pattern ',
  cidr: 'the range ',
};

/** Conditions with an operator carry its name in front; lists of patterns do not. */
function wantedText(wanted: readonly string[]): string {
  const [operator = '', ...operand] = wanted.length === 1 ? (wanted[0]?.split(' ') ?? []) : [];
  const hasOperator = operand.length > 0 && Object.hasOwn(OPERATORS, operator);
  return hasOperator ? `${OPERATORS[operator]}${operand.join(' ')}` : listText(wanted);
}

function actualText(actual: Mismatch['actual']): string {
  if (actual === undefined) return 'absent';
  if (actual === null) return 'not known';
  return typeof actual === 'string' ? `"${actual}"` : listText(actual);
}

function listText(values: readonly string[]): string {
  if (values.length === 0) return 'empty';
  const shown = values.slice(0, MAX_VALUES).map((value) => `"${value}"`);
  const more = values.length - shown.length;
  return `${shown.join(' or ')}${more > 0 ? ` or ${more} more` : ''}`;
}

function nameOf({ rule, layer }: Opinion): string {
  return layer === 'builtin' ? rule : `rule ${rule} of the ${layer} layer`;
}
