import { DecisionCache } from '../cache/decision-cache.ts';
import { hashRequest, readAction } from '../canonical/action-request.ts';
import type { KeyRing } from '../permit/key-ring.ts';
import { PermitAuthority } from '../permit/permit-authority.ts';
import { PERMIT_FAULTS } from '../permit/permit-fault.ts';
import { type Caller, closestSubject } from '../permit/subject.ts';
import type { Primitives } from '../primitives/primitives.ts';
import { type AskPerson, PendingPrompts, type Prompt } from '../prompt/pending-prompts.ts';
import { ReplayDetector } from '../replay/replay-detector.ts';
import type { Clock } from '../time/steady-clock.ts';
import type { Decide, GateAnswer, PolicyDecision } from './decision.ts';
import { DEFAULT_LIMITS, type GateLimits } from './limits.ts';

export interface GateOptions {
  readonly primitives: Primitives;
  /** Never goes back: `steadyClock()`. */
  readonly clock: Clock;
  readonly keys: KeyRing;
  readonly decide: Decide;
  /** Of the policy that `decide` asks now. */
  readonly revision: () => number;
  /** Asks people; without it a PROMPT is for the caller to bring a permit for. */
  readonly ask?: AskPerson | undefined;
  readonly limits?: Partial<GateLimits> | undefined;
  /** Told about a policy that failed to answer. */
  readonly onPolicyFault?: ((error: unknown) => void) | undefined;
}

export interface CheckOptions {
  /** A permit that the caller holds. It is used up by this, if it counts. */
  readonly permit?: string | undefined;
  /** Whether to add a permit to an ALLOW. */
  readonly issue?: boolean | undefined;
}

type Judgement = Pick<GateAnswer, 'verdict' | 'rule' | 'reason' | 'revision' | 'source' | 'redact'>;

const VERDICTS: ReadonlySet<string> = new Set(['ALLOW', 'DENY', 'PROMPT'] satisfies GateAnswer['verdict'][]);

/**
 * Decides about actions: hashes the request, remembers verdicts, issues and takes permits.
 *
 * Nothing here awaits, so that a check and what it changes are one step.
 */
export class Gate {
  readonly primitives: Primitives;
  readonly clock: Clock;
  readonly cache: DecisionCache;
  readonly permits: PermitAuthority;
  /** Nonces of permits. */
  readonly permitReplay: ReplayDetector;
  /** Nonces that callers bring; apart, so that they cannot crowd out permits. */
  readonly callerReplay: ReplayDetector;
  /** Questions to people; `undefined` where nobody can be asked. */
  readonly prompts: PendingPrompts | undefined;
  readonly limits: GateLimits;
  readonly #decide: Decide;
  readonly #revision: () => number;
  readonly #onPolicyFault: (error: unknown) => void;

  constructor(options: GateOptions) {
    const limits: GateLimits = { ...DEFAULT_LIMITS, ...options.limits };
    const { primitives, clock, keys } = options;
    this.limits = limits;
    this.primitives = primitives;
    this.clock = clock;
    this.cache = new DecisionCache(limits.cache);
    // A permit may come from the future by the skew, and is remembered that much beyond its end.
    const window = limits.permits.maxLifetime + 2 * limits.permits.skew;
    this.permitReplay = new ReplayDetector({ ...limits.permitNonces, window });
    this.callerReplay = new ReplayDetector(limits.callerNonces);
    this.permits = new PermitAuthority(primitives, keys, this.permitReplay, limits.permits, clock());
    this.prompts = options.ask && new PendingPrompts(options.ask, limits.prompts, primitives, clock);
    this.#decide = options.decide;
    this.#revision = options.revision;
    this.#onPolicyFault = options.onPolicyFault ?? (() => undefined);
  }

  /**
   * The verdict about one action of one caller.
   *
   * A DENY stands whatever permit comes along, and leaves it unused. A permit that comes along and does not
   * count is a DENY. What a permit allowed is never remembered: the next time needs the next permit.
   *
   * @throws CanonicalError when the request is no action request or has no canonical form
   */
  check(request: unknown, caller: Caller, options: CheckOptions = {}): GateAnswer {
    const { car, text, normalised } = hashRequest(request, this.primitives);
    const now = this.clock();
    const judged = this.#judge(car, text, caller, now);
    if (options.permit !== undefined) {
      return { car, normalised, ...this.#withPermit(options.permit, car, caller, judged, now) };
    }
    if (options.issue !== true || judged.verdict !== 'ALLOW') return { car, ...judged, normalised };
    const subject = closestSubject(caller);
    const { permit, claims } = this.permits.create({ car, subject, verdict: 'ALLOW' }, now);
    return { car, ...judged, normalised, permit, expires: claims.exp };
  }

  /**
   * Another policy is in force, whether or not its revision says so: what the one before answered, and what people
   * said under it, counts no more.
   */
  policyChanged(): void {
    this.cache.invalidate();
    this.prompts?.policyChanged();
    this.permits.endAll(this.clock());
  }

  /**
   * Puts the question that a PROMPT asks, or finds the one that was put already.
   *
   * @returns the answer as it is now: with the id of an open question, or what a person said about it
   */
  prompt(
    request: unknown,
    caller: Caller,
    answer: GateAnswer,
    options: CheckOptions = {},
  ): { answer: GateAnswer; open: Prompt | undefined } {
    if (this.prompts === undefined) return { answer, open: undefined };
    const { text } = hashRequest(request, this.primitives);
    const prompt = this.prompts.open({ car: answer.car, action: readAction(text), caller });
    if (prompt === undefined) {
      const refused = refusal('gate/too-many-prompts', 'Too many questions are open.', answer.revision);
      return { answer: { ...answer, ...refused }, open: undefined };
    }
    const said = this.prompts.take(prompt);
    if (said === undefined) return { answer: { ...answer, approval: prompt.id }, open: prompt };
    if (said.outcome === 'DENY') {
      const { reason, message } = said;
      const worded = message === undefined ? {} : { message };
      return {
        answer: { ...answer, verdict: 'DENY', reason, source: 'approval', ...worded },
        open: undefined,
      };
    }
    // The policy may have changed while somebody thought about it.
    const now = this.check(request, caller);
    if (now.verdict === 'DENY') return { answer: now, open: undefined };
    const allowed: GateAnswer = { ...now, verdict: 'ALLOW', reason: said.reason, source: 'approval' };
    return {
      answer: options.issue === true ? { ...allowed, ...this.#approved(answer.car, caller) } : allowed,
      open: undefined,
    };
  }

  /**
   * Picks up what a person said, as a permit for one use by the process that asked.
   *
   * @returns `undefined` while nobody has said anything
   */
  collect(
    prompt: Prompt,
  ): { allowed: boolean; reason: string; permit?: string; expires?: number } | undefined {
    const said = this.prompts?.take(prompt);
    if (said === undefined) return undefined;
    const { car, caller } = prompt.question;
    if (said.outcome === 'DENY') return { allowed: false, reason: said.reason };
    return { allowed: true, reason: said.reason, ...this.#approved(car, caller) };
  }

  #approved(car: string, caller: Caller): { permit: string; expires: number } {
    const order = { car, subject: closestSubject(caller), verdict: 'PROMPT', uses: 1 } as const;
    const { permit, claims } = this.permits.create(order, this.clock());
    return { permit, expires: claims.exp };
  }

  #judge(car: string, text: string, caller: Caller, now: number): Judgement {
    const revision = this.#revision();
    const key = { car, subject: closestSubject(caller), revision };
    this.cache.adopt(revision);
    const remembered = this.cache.get(key, now);
    if (remembered !== undefined) return { ...remembered, revision, source: 'cache' };
    const action = readAction(text);
    let decision: PolicyDecision;
    try {
      decision = this.#decide(action, caller);
    } catch (error) {
      this.#onPolicyFault(error);
      return refusal('gate/policy-unavailable', 'The policy could not be asked.', revision);
    }
    const { verdict, rule, reason, redact } = decision;
    if (!VERDICTS.has(verdict)) {
      this.#onPolicyFault(new TypeError(`The policy answered "${String(verdict)}".`));
      return refusal('gate/policy-unavailable', 'The policy gave no verdict.', revision);
    }
    // Under the revision that decided: when another one came meanwhile, this is not its verdict.
    if (decision.cacheable) this.cache.put({ ...key, revision: decision.revision }, decision, now);
    const judged: Judgement = { verdict, rule, reason, revision: decision.revision, source: 'policy' };
    return redact === undefined ? judged : { ...judged, redact };
  }

  #withPermit(
    permit: string,
    car: string,
    caller: Caller,
    judged: Judgement,
    now: number,
  ): Judgement & { usesLeft?: number } {
    if (judged.verdict === 'DENY') return judged;
    const check = this.permits.verify(permit, { car, caller, verdict: judged.verdict }, now);
    if (!check.valid) return refusal(check.fault, PERMIT_FAULTS[check.fault], judged.revision);
    return { ...judged, verdict: 'ALLOW', source: 'permit', usesLeft: check.usesLeft };
  }
}

function refusal(rule: string, reason: string, revision: number): Judgement {
  return { verdict: 'DENY', rule, reason, revision, source: 'gate' };
}
