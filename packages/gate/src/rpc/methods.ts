import { z } from 'zod';
import { canonicalAction } from '../canonical/action-request.ts';
import type { GateAnswer } from '../gate/decision.ts';
import { denialText } from '../gate/denial-text.ts';
import type { Gate } from '../gate/gate.ts';
import { PERMIT_FAULTS } from '../permit/permit-fault.ts';
import {
  type Caller,
  closestSubject,
  isSubject,
  parseSubject,
  type Subject,
  userSubject,
} from '../permit/subject.ts';
import type { CallContext } from './call-context.ts';
import { RpcError } from './rpc-error.ts';

/** Of the methods and their shapes; a change that breaks callers raises it. */
export const PROTOCOL_VERSION = 1;

/** Milliseconds that a call may wait for a person. */
const LONGEST_WAIT = 600_000;

const car = z.string().regex(/^[0-9a-f]{64}$/);
const revision = z.int().min(0);
const milliseconds = z.int().min(1);
const permit = z.string().max(400);
const verdict = z.enum(['ALLOW', 'DENY', 'PROMPT']);
const waiting = { wait: z.boolean().optional(), wait_ms: z.int().min(1).max(LONGEST_WAIT).optional() };
const subject = z
  .string()
  .refine((text) => parseSubject(text) !== undefined, 'is user/UID or process/UID/PID/TICKS');

interface Method {
  /** Only on the privileged socket. */
  readonly mint: boolean;
  /** @throws RpcError, CanonicalError, PermitOrderError */
  readonly call: (gate: Gate, params: unknown, context: CallContext) => unknown;
}

/** Ties a method to the shape of its parameters. */
function method<T extends z.ZodType>(
  mint: boolean,
  params: T,
  run: (gate: Gate, params: z.infer<T>, context: CallContext) => unknown,
): Method {
  return {
    mint,
    call(gate, given, context) {
      const parsed = params.safeParse(given);
      if (parsed.success) return run(gate, parsed.data, context);
      const [issue] = parsed.error.issues;
      throw new RpcError(
        'gate/invalid-params',
        issue && `${issue.path.join('.') || 'params'}: ${issue.message}`,
      );
    },
  };
}

/** Whom a call is about: whoever calls, unless the privileged socket names somebody else. */
function callerOf(context: CallContext, named: string | undefined): Caller {
  if (named === undefined) return context.caller;
  const caller = parseSubject(named);
  if (caller === undefined) throw new RpcError('gate/invalid-params', 'subject: is malformed');
  if (context.mint) return caller;
  if (isSubject(context.caller, named)) return context.caller;
  throw new RpcError('gate/forbidden', 'Only the privileged socket may name another subject.');
}

function subjectOf(context: CallContext, named: string | undefined): Subject {
  const caller = callerOf(context, named);
  return named === userSubject(caller) ? userSubject(caller) : closestSubject(caller);
}

/** Whoever may not act is told so in words. */
function worded(answer: GateAnswer): GateAnswer {
  return answer.verdict === 'ALLOW' ? answer : { ...answer, message: answer.message ?? denialText(answer) };
}

/** The methods, their parameters (all by name) and what they answer. */
export const METHODS: ReadonlyMap<string, Method> = new Map([
  [
    'hash_car',
    method(false, z.strictObject({ request: z.unknown() }), (gate, { request }) => {
      const { car, text, normalised } = canonicalAction(request, gate.primitives);
      return { car, canonical: text, normalised };
    }),
  ],
  [
    'gate_check',
    method(
      false,
      z.strictObject({
        request: z.unknown(),
        permit: permit.optional(),
        issue: z.boolean().optional(),
        subject: subject.optional(),
        ...waiting,
      }),
      (gate, { request, permit, issue, subject, wait, wait_ms }, context) => {
        const caller = callerOf(context, subject);
        const answer = gate.check(request, caller, { permit, issue });
        if (answer.verdict !== 'PROMPT') return worded(answer);
        const asked = gate.prompt(request, caller, answer, { issue });
        const { open } = asked;
        if (wait !== true || open === undefined || context.later === undefined) return worded(asked.answer);
        return gate.prompts
          ?.wait(open, wait_ms ?? LONGEST_WAIT, context.gone)
          .then((answered) =>
            worded(answered ? gate.prompt(request, caller, answer, { issue }).answer : asked.answer),
          );
      },
    ),
  ],
  [
    'approval_result',
    method(
      false,
      z.strictObject({ approval: z.string().max(64), ...waiting }),
      (gate, { approval, wait, wait_ms }, { caller, later, gone }) => {
        const prompt = gate.prompts?.find(approval, caller);
        if (prompt === undefined) throw new RpcError('gate/refused', 'There is no such question (any more).');
        const collect = () => gate.collect(prompt) ?? { pending: true };
        if (wait !== true || later === undefined) return collect();
        return gate.prompts?.wait(prompt, wait_ms ?? LONGEST_WAIT, gone).then(collect);
      },
    ),
  ],
  [
    'create_permit',
    method(
      true,
      z.strictObject({
        car,
        subject,
        verdict: z.enum(['ALLOW', 'PROMPT']),
        lifetime_ms: milliseconds.optional(),
        uses: z.int().min(1).optional(),
      }),
      (gate, { car, subject, verdict, lifetime_ms, uses }, context) => {
        const order = { car, subject: subjectOf(context, subject), verdict, lifetime: lifetime_ms, uses };
        const { permit, claims } = gate.permits.create(order, gate.clock());
        return { permit, expires: claims.exp };
      },
    ),
  ],
  [
    'verify_permit',
    method(
      false,
      z.strictObject({ permit: z.string(), car, subject: subject.optional() }),
      (gate, { permit, car, subject }, context) => {
        const purpose = { car, caller: callerOf(context, subject) };
        const check = gate.permits.verify(permit, purpose, gate.clock());
        return check.valid
          ? {
              valid: true,
              verdict: check.claims.verdict,
              usesLeft: check.usesLeft,
              expires: check.claims.exp,
            }
          : { valid: false, fault: check.fault, reason: PERMIT_FAULTS[check.fault] };
      },
    ),
  ],
  [
    'cache_get',
    method(
      false,
      z.strictObject({ car, subject: subject.optional(), revision }),
      (gate, { car, subject, revision }, context) => {
        const key = { car, subject: subjectOf(context, subject), revision };
        const decision = gate.cache.get(key, gate.clock());
        return decision === undefined ? { hit: false } : { hit: true, decision };
      },
    ),
  ],
  [
    'cache_put',
    method(
      true,
      z.strictObject({
        car,
        subject,
        revision,
        verdict,
        rule: z.string().max(256),
        reason: z.string().max(4_096),
      }),
      (gate, { car, subject, revision, verdict, rule, reason }, context) => ({
        stored: gate.cache.put(
          { car, subject: subjectOf(context, subject), revision },
          { verdict, rule, reason },
          gate.clock(),
        ),
      }),
    ),
  ],
  [
    'cache_invalidate',
    method(true, z.strictObject({ car: car.optional(), subject: subject.optional() }), (gate, which) => ({
      removed: gate.cache.invalidate(which),
    })),
  ],
  ['cache_stats', method(false, z.strictObject({}), (gate) => gate.cache.stats())],
  [
    'check_replay',
    method(
      false,
      z.strictObject({ nonce: z.string().min(16).max(128), lifetime_ms: milliseconds }),
      (gate, { nonce, lifetime_ms }, { caller }) => {
        const owner = userSubject(caller);
        const now = gate.clock();
        // A nonce belongs to its user: nobody can use up another's.
        return gate.callerReplay.take({ owner, nonce: `${owner} ${nonce}`, expires: now + lifetime_ms }, now);
      },
    ),
  ],
  [
    'replay_stats',
    method(false, z.strictObject({}), (gate) => ({
      permits: gate.permitReplay.stats(),
      nonces: gate.callerReplay.stats(),
    })),
  ],
  ['ping', method(false, z.strictObject({}), (gate) => ({ pong: true, time: gate.clock() }))],
  [
    'version',
    method(false, z.strictObject({}), (_gate, _params, { mint }) => ({
      name: 'raypher-gate',
      protocol: PROTOCOL_VERSION,
      methods: [...METHODS].filter(([, known]) => mint || !known.mint).map(([name]) => name),
    })),
  ],
]);
