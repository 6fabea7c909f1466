import type { Finding } from '@raypher/dlp';
import type { DataFinding, Verdict } from '@raypher/policy';
import type { Exchange } from './exchange.ts';
import type { ProxyContext } from './proxy-context.ts';

/** What is done about one kind of data. `prompt`: a person is asked before the message goes on. */
export type DataOutcome = 'allow' | 'alert' | 'redact' | 'prompt' | 'block';

export interface DecidedKind {
  /** What is carried out. */
  readonly outcome: DataOutcome;
  /** What would have been, were every layer in enforce mode. */
  readonly recorded: DataOutcome;
  readonly verdict: Verdict;
}

/** What of a finding is decided about: all that was found in its place. */
type Kind = Pick<Finding, 'category' | 'detector' | 'alsoFound'>;

/** What a policy says about the findings of one message. */
export interface DataDecision {
  readonly verdict: Verdict;
  /** Of a finding, and of all that was found in its place; undefined for a kind that was not asked about. */
  of(finding: Kind): DecidedKind | undefined;
  readonly outcome: DataOutcome;
}

export function dataFinding({ category, detector }: Pick<Finding, 'category' | 'detector'>): DataFinding {
  return { class: category, detector };
}

/**
 * Decides about what was found in one message.
 *
 * @param findings `null`: the message could not be looked through
 */
export function decideData(
  context: Pick<ProxyContext, 'policy'>,
  exchange: Pick<Exchange, 'destination' | 'caller' | 'models'>,
  direction: 'out' | 'in',
  findings: readonly Kind[] | null,
): DataDecision {
  const { destination, caller, models } = exchange;
  const verdict = context.policy.decide({
    action: `data.${direction}`,
    host: destination.host,
    provider: destination.provider?.id,
    model: models.length === 1 ? models[0] : models.length === 0 ? undefined : null,
    agent: caller.agent,
    findings: findings === null ? null : findings.flatMap(inPlaceOf).map(dataFinding),
  });
  const kinds = new Map(
    (verdict.findings ?? []).map(({ finding, verdict: own }) => [keyOf(finding), decided(own)]),
  );
  return {
    verdict,
    outcome: decided(verdict).outcome,
    of: (finding) =>
      strictest(
        inPlaceOf(finding)
          .map((one) => kinds.get(keyOf(dataFinding(one))))
          .filter((kind) => kind !== undefined),
      ),
  };
}

/** A pattern that some document brings must not stand between another document and what it forbids. */
function inPlaceOf(finding: Kind): Pick<Finding, 'category' | 'detector'>[] {
  return [finding, ...(finding.alsoFound ?? [])];
}

/** Names what was found in one place, for those who remember what was decided about it. */
export function placeKey(finding: Kind): string {
  return JSON.stringify(inPlaceOf(finding).map(({ category, detector }) => [category, detector]));
}

function strictest(kinds: readonly DecidedKind[]): DecidedKind | undefined {
  const [worst] = kinds.toSorted(
    (a, b) => STRENGTH[b.outcome] - STRENGTH[a.outcome] || STRENGTH[b.recorded] - STRENGTH[a.recorded],
  );
  if (worst === undefined || kinds.length === 1) return worst;
  const obligations = [...new Set(kinds.flatMap(({ verdict }) => verdict.obligations ?? []))];
  return obligations.length === 0 ? worst : { ...worst, verdict: { ...worst.verdict, obligations } };
}

export const STRENGTH: Record<DataOutcome, number> = { allow: 0, alert: 1, redact: 2, prompt: 3, block: 4 };

/** What a verdict about data comes down to. */
export function decided(verdict: Verdict): DecidedKind {
  const { effective, obligations } = verdict;
  return {
    verdict,
    outcome: outcomeOf(effective.outcome, obligations?.includes('redact'), obligations?.includes('alert')),
    recorded: outcomeOf(
      verdict.outcome,
      verdict.obligation === 'redact' || obligations?.includes('redact'),
      verdict.obligation === 'alert',
    ),
  };
}

function outcomeOf(
  outcome: Verdict['outcome'],
  redact: boolean | undefined,
  alert: boolean | undefined,
): DataOutcome {
  if (outcome === 'DENY') return 'block';
  if (outcome === 'PROMPT') return 'prompt';
  if (redact === true) return 'redact';
  return alert === true ? 'alert' : 'allow';
}

function keyOf(finding: DataFinding | null): string {
  return finding === null ? '' : JSON.stringify([finding.class, finding.detector]);
}

/** Data that policy lets pass without a word is nobody's business, and in no record. */
export function isRecorded(kind: DecidedKind | undefined): boolean {
  return kind !== undefined && (kind.outcome !== 'allow' || kind.recorded !== 'allow');
}

/** What is done where nobody can be asked: what the rule says for no answer. */
export function withoutPerson({ outcome, verdict }: Pick<DecidedKind, 'outcome' | 'verdict'>): DataOutcome {
  if (outcome !== 'prompt') return outcome;
  if (verdict.effective.onTimeout !== 'ALLOW') return 'block';
  return verdict.obligations?.includes('redact') === true ? 'redact' : 'alert';
}
