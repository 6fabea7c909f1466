import { invalidHost, invalidPath, noPolicy, notGoverned, unknownAction } from './builtin.ts';
import type { PolicySnapshot } from './compile.ts';
import type { SectionPlan } from './compile-section.ts';
import { ownDetectorId } from './dlp-settings.ts';
import { withExceptions } from './exception.ts';
import { Facts } from './facts.ts';
import { aboutGuess } from './guess.ts';
import { isIpAddress } from './host.ts';
import { type ApplicableLimit, eachLimit, limitOpinion, toApplicable } from './limit.ts';
import { placeOf } from './place.ts';
import { placeOpinion } from './private-address.ts';
import type { ActionRequest, DataFinding, DataRequest } from './request.ts';
import { firstMatch } from './rule-index.ts';
import { type FindingVerdict, joinOpinions, type Opinion, type Verdict } from './verdict.ts';

/**
 * Decides an action. Within a section of a layer the first rule that matches speaks, else the section's
 * default; a layer without a section for the action is silent. Across sections and layers the most restrictive
 * opinion wins, so a lower layer can only tighten. Without any layer the answer is DENY.
 *
 * Never throws, keeps no state, does no I/O.
 *
 * @example
 * const verdict = decide(snapshot, { action: 'network.connect', host: 'api.deepseek.com', port: 443 });
 * if (withoutAnswer(verdict.effective) === 'DENY') refuse(verdict.effective.reason);
 */
export function decide(snapshot: PolicySnapshot, request: ActionRequest): Verdict {
  const { revision } = snapshot;
  if (snapshot.layers.length === 0) return joinOpinions([noPolicy()], revision);
  const plans: readonly SectionPlan[] | undefined = snapshot.plans[request.action];
  if (plans === undefined) return joinOpinions([unknownAction(snapshot)], revision);
  const found = placeOf(request);
  if (!found.ok) {
    const opinion = found.invalid === 'host' ? invalidHost(snapshot) : invalidPath(snapshot);
    return joinOpinions([opinion], revision);
  }
  const facts = new Facts(request, found.place);
  switch (request.action) {
    case 'data.out':
    case 'data.in':
      return decideData(snapshot, plans, request, facts);
    case 'network.connect':
      return decideCall(snapshot, facts, sectionOpinions(plans, facts));
    case 'model.call':
      return decideCall(snapshot, facts, limitOpinions(snapshot, facts, sectionOpinions(plans, facts)));
    default:
      return join(snapshot, sectionOpinions(plans, facts));
  }
}

/**
 * The limits that a model call has to keep, of all layers: whoever keeps the counters looks them up before
 * deciding and gives them as `balances`, reserves the cost with each when the answer is ALLOW, and settles it
 * afterwards. Where two layers limit the same thing both hold, so the smaller one decides.
 */
export function limitsFor(snapshot: PolicySnapshot, request: ActionRequest): ApplicableLimit[] {
  const found = request.action === 'model.call' ? placeOf(request) : undefined;
  if (found?.ok !== true) return [];
  const facts = new Facts(request, found.place);
  const applicable: ApplicableLimit[] = [];
  for (const { layer, financial } of snapshot.layers) {
    if (financial === undefined) continue;
    eachLimit(financial, facts, (limit) => applicable.push(toApplicable(layer, limit, facts)));
  }
  return applicable;
}

/** What the policy says, and what the product itself says about addresses that are not public. */
function decideCall(snapshot: PolicySnapshot, facts: Facts, opinions: Opinion[]): Verdict {
  const own = placeOpinion(snapshot, facts)?.opinion;
  // Last: a rule that denies the same is what people want to read.
  if (own !== undefined) opinions.push(own);
  const verdict = join(snapshot, opinions);
  const { request, place = '' } = facts;
  const isResolved = request.address !== undefined || request.localChoice === 'mapped' || isIpAddress(place);
  return snapshot.asksForAddress && !isResolved ? { ...verdict, provisional: true } : verdict;
}

function join(snapshot: PolicySnapshot, opinions: readonly Opinion[]): Verdict {
  return joinOpinions(isSome(opinions) ? opinions : [notGoverned(snapshot)], snapshot.revision);
}

function isSome(opinions: readonly Opinion[]): opinions is readonly [Opinion, ...Opinion[]] {
  return opinions.length > 0;
}

function sectionOpinions(plans: readonly SectionPlan[], facts: Facts): Opinion[] {
  const opinions: Opinion[] = [];
  for (const plan of plans) {
    const opinion = sectionOpinion(plan, facts);
    if (opinion !== undefined) opinions.push(opinion);
  }
  return opinions;
}

function sectionOpinion({ section, rules, index, fallback }: SectionPlan, facts: Facts): Opinion | undefined {
  const number = firstMatch(index, rules, facts);
  // The default of data is for data that was found.
  const isNothing = section === 'dlp' && facts.request.findings?.length === 0;
  const said = rules[number] ?? (isNothing ? undefined : fallback);
  if (said === undefined) return undefined;
  const opinion = said.exceptions.length === 0 ? said.opinion : withExceptions(said, facts);
  return section === 'dlp' ? aboutGuess(opinion, rules[number], facts.finding) : opinion;
}

function limitOpinions(snapshot: PolicySnapshot, facts: Facts, opinions: Opinion[]): Opinion[] {
  for (const { layer, financial } of snapshot.layers) {
    if (financial === undefined) continue;
    eachLimit(financial, facts, (limit) => {
      const opinion = limitOpinion(layer, limit, facts);
      if (opinion !== undefined) opinions.push(opinion);
    });
  }
  return opinions;
}

/** Every kind of finding is decided for itself; the message as a whole gets the strictest of all. */
function decideData(
  snapshot: PolicySnapshot,
  plans: readonly SectionPlan[],
  request: DataRequest,
  facts: Facts,
): Verdict {
  const { findings } = request;
  if (findings === null || findings.length === 0) {
    const asked = findings === null ? plans.map((plan) => plan.unscannable ?? plan) : plans;
    const verdict = join(snapshot, sectionOpinions(asked, facts));
    return findings === null ? { ...verdict, findings: [{ finding: null, verdict }] } : verdict;
  }
  const verdicts: FindingVerdict[] = [];
  const opinions: Opinion[] = [];
  const seen = new Set<string>();
  findings.forEach((finding, number) => {
    // A scanner may find the same thing ten thousand times in a message; it is decided once.
    const key = JSON.stringify([finding.class, finding.detector]);
    if (seen.has(key)) return;
    seen.add(key);
    facts.select(number);
    const own = watchedOnly(snapshot, finding, sectionOpinions(plans, facts));
    opinions.push(...own);
    verdicts.push({ finding, verdict: join(snapshot, own) });
  });
  return { ...join(snapshot, opinions), findings: verdicts };
}

/**
 * What a detector of a layer in monitor mode found is recorded and no more: without that layer nothing would have
 * been found, so no rule of any layer may act on it.
 */
function watchedOnly(snapshot: PolicySnapshot, { detector }: DataFinding, opinions: Opinion[]): Opinion[] {
  const isWatched = snapshot.layers.some(
    ({ layer, mode }) => mode === 'monitor' && detector.startsWith(ownDetectorId(layer, '')),
  );
  if (!isWatched) return opinions;
  return opinions.map((opinion) => (opinion.section === 'dlp' ? { ...opinion, mode: 'monitor' } : opinion));
}
