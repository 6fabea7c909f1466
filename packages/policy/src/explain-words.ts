import type { Explanation, Mismatch, NearMiss, SectionExplanation } from './explain.ts';
import type { PlaceOpinion } from './private-address.ts';
import type { Opinion } from './verdict.ts';

/** What happens, as a person says it. */
const DONE = { ALLOW: 'Allowed', PROMPT: 'Held until somebody answers', DENY: 'Denied' } as const;
const MAX_SHOWN = 5;

/**
 * An explanation as sentences: what happens and why, what is recorded where that differs, and for each ban
 * what would have been milder.
 */
export function explainInWords(explanation: Explanation): string[] {
  const { verdict, host } = explanation;
  const lines = [
    `${DONE[verdict.effective.outcome]} by ${nameOf(verdict.effective)}: ${verdict.effective.reason}`,
  ];
  if (!verdict.enforced && verdict.outcome !== verdict.effective.outcome) {
    lines.push(
      `Recorded, not carried out: ${DONE[verdict.outcome].toLowerCase()} by ${nameOf(verdict)}: ${verdict.reason}`,
    );
  }
  if (verdict.exceptionFrom !== undefined) {
    lines.push(`It is an exception from ${verdict.exceptionFrom}.`);
  }
  if (verdict.obligations?.includes('redact') === true) lines.push('What was found is replaced.');
  if (host !== undefined) lines.push(`Compared as: ${host}`);
  if (explanation.place !== undefined) lines.push(placeLine(explanation.place));
  for (const { layer, mode, sections } of explanation.layers) {
    for (const section of sections) lines.push(...sectionLines(layer, mode, section));
  }
  return lines;
}

function placeLine({ special, permittedBy }: PlaceOpinion): string {
  const what = `Not on the public internet: ${special.class} (${special.within})`;
  return permittedBy === undefined
    ? `${what}. No rule that decides in the highest layer names it.`
    : `${what}, permitted because ${permittedBy} names it.`;
}

function sectionLines(layer: string, mode: string, explained: SectionExplanation): string[] {
  const { section, opinion, decidedBy, rules, nearestMisses } = explained;
  const place = `${layer} layer, ${section}`;
  if (opinion === undefined) return [`${place}: no opinion.`];
  const watches = mode === 'monitor' ? ' (monitor: recorded only)' : '';
  const by = decidedBy === 'default' ? 'its default' : `${decidedBy} ${opinion.rule}`;
  const lines = [`${place}: ${opinion.outcome} by ${by}${watches}.`];
  if (opinion.outcome === 'ALLOW') return lines;
  const passed = rules.filter(({ status }) => status === 'not-matched').length;
  if (passed > 0) lines.push(`  ${passed} ${passed === 1 ? 'rule' : 'rules'} before it did not match.`);
  if (nearestMisses.length === 0) {
    lines.push(`  Nothing here would have been milder: it takes another rule or an exception in this layer.`);
  }
  return [...lines, ...nearestMisses.map(missLine)];
}

function missLine({ kind, id, outcome, mismatches }: NearMiss): string {
  return `  ${kind} ${id} would have said ${outcome}, but ${mismatches.map(mismatchText).join(' and ')}.`;
}

function mismatchText({ matcher, wanted, actual }: Mismatch): string {
  return `${matcher} is ${actualText(actual)}, not ${listText(wanted)}`;
}

function actualText(actual: Mismatch['actual']): string {
  if (actual === undefined) return 'absent';
  if (actual === null) return 'not known';
  return typeof actual === 'string' ? `"${actual}"` : listText(actual);
}

function listText(values: readonly string[]): string {
  if (values.length === 0) return 'empty';
  const shown = values.slice(0, MAX_SHOWN).map((value) => `"${value}"`);
  const more = values.length - shown.length;
  return `${shown.join(' or ')}${more > 0 ? ` or ${more} more` : ''}`;
}

function nameOf({ rule, layer }: Opinion): string {
  return layer === 'builtin' ? rule : `rule ${rule} of the ${layer} layer`;
}
