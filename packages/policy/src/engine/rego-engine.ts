import type { LoadedPolicy } from '@open-policy-agent/opa-wasm';
import { z } from 'zod';
import type { ActionRequest } from '../request.ts';
import type { EngineDecision, PolicyEngine } from './engine.ts';
import { engineFacts } from './engine-facts.ts';

export interface RegoOptions {
  /** Rule that decides, as `opa build -e` named it. */
  readonly entrypoint?: string;
  /** What the policy reads as `data`. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What the entrypoint has to come to; a missing rule or reason is filled in. */
const Decision = z.object({
  outcome: z.enum(['ALLOW', 'DENY', 'PROMPT']),
  rule: z.string().min(1).max(128).optional(),
  reason: z.string().min(1).max(1000).optional(),
});

/** OPA's own word for the answers to a query; a rule that is undefined has none. */
const ResultSet = z.array(z.object({ result: z.unknown() })).max(1);

const Entrypoints = z.record(z.string(), z.number());

/** Pages of 64 KiB: what a policy starts with and what it may grow to, 64 MiB. */
const MEMORY = { initial: 5, maximum: 1024 };

/**
 * Policies in Rego (https://www.openpolicyagent.org), compiled by `opa build -t wasm -e raypher/decision`; what is
 * given is the `policy.wasm` of that bundle. The input has `action`, `place` (the host or path, absent where there is
 * none), facts by name as in `input.agent_trust` (absent ones absent) and `unreadable`, the names of those that could
 * not be learnt. The entrypoint is an object:
 *
 *     decision := {"outcome": "DENY", "rule": "no-deepseek", "reason": "Not approved."} if …
 *
 * with `outcome` ALLOW, PROMPT or DENY. One that is undefined, is something else, or whose evaluation fails denies.
 * Built-in functions are those of the library; of others a call fails. Its regular expressions are the JavaScript
 * engine's, which are not linear: a policy is trusted with the time that it takes.
 *
 * @throws TypeError for what is no such module, or has no such entrypoint
 */
export async function createRegoEngine(
  wasm: BufferSource,
  { entrypoint = 'raypher/decision', data = {} }: RegoOptions = {},
): Promise<PolicyEngine> {
  const policy = await load(wasm);
  const entrypoints = Entrypoints.safeParse(policy.entrypoints);
  if (!entrypoints.success || !Object.hasOwn(entrypoints.data, entrypoint)) {
    const known = Object.keys(entrypoints.data ?? {}).join(', ') || 'none';
    throw new TypeError(`the policy has no entrypoint "${entrypoint}"; it has: ${known}`);
  }
  policy.setData(data);
  return Object.freeze({
    language: 'rego' as const,
    decide: (request: ActionRequest) => decideWith(policy, entrypoint, request),
  });
}

async function load(wasm: BufferSource): Promise<LoadedPolicy> {
  const { loadPolicy } = await import('@open-policy-agent/opa-wasm');
  let policy: LoadedPolicy;
  try {
    policy = await loadPolicy(wasm, { ...MEMORY });
  } catch (cause) {
    throw new TypeError(`this is not a policy that OPA compiled: ${messageOf(cause)}`, { cause });
  }
  // The library takes a module without versions for one it knows.
  if (typeof policy.minorVersion !== 'number') {
    throw new TypeError(
      'this is not a policy that OPA compiled: it does not say the version of its interface',
    );
  }
  return policy;
}

function decideWith(policy: LoadedPolicy, entrypoint: string, request: ActionRequest): EngineDecision {
  const known = engineFacts(request);
  if (known === undefined) return denied('rego/invalid-place', 'The host or path is not one.');
  const { place, facts, unreadable } = known;
  const input = { ...facts, action: request.action, ...(place !== undefined && { place }), unreadable };
  try {
    const [answer] = ResultSet.parse(policy.evaluate(input, entrypoint));
    if (answer === undefined) return denied('rego/undefined', 'The policy says nothing about this.');
    const {
      outcome,
      rule = entrypoint,
      reason = `Rego policy ${rule} decides.`,
    } = Decision.parse(answer.result);
    return { outcome, rule, reason };
  } catch (error) {
    // Traps, aborts and answers of another shape: whatever happened, nothing was decided.
    return denied('rego/error', messageOf(error));
  }
}

function denied(rule: string, reason: string): EngineDecision {
  return { outcome: 'DENY', rule, reason };
}

/** The library throws text, and objects with a message. */
function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) return 'The answer of the policy is not a decision.';
  const message: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, 'message') : error;
  return String(message);
}
