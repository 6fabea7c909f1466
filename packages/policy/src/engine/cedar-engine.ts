import type { ActionRequest } from '../request.ts';
import type { EngineDecision, PolicyEngine } from './engine.ts';
import { engineFacts } from './engine-facts.ts';

/** The part of `@cedar-policy/cedar-wasm` that is used; browsers load its `web` build and pass it in. */
export type CedarLibrary = Pick<
  typeof import('@cedar-policy/cedar-wasm/nodejs'),
  'policySetTextToParts' | 'policyToJson' | 'preparsePolicySet' | 'statefulIsAuthorized'
>;

interface NamedPolicy {
  readonly id: string;
  readonly text: string;
  /** The policy carries `@effect("prompt")`. */
  readonly prompts: boolean;
  readonly reason: string | undefined;
}

/** The library keeps prepared policies under names, in one table for the whole process. */
let engines = 0;

/**
 * Policies in Cedar (https://www.cedarpolicy.com). What each part of a request is called there:
 *
 * - principal `AiAgent::"<id>"`, or `AiAgent::""` where there is none or it could not be identified
 * - action `Action::"network.connect"` and so on
 * - resource `Place::"<host or path>"`, or `Place::""`
 * - context: facts by name, as in `context.agent_trust < 500`, absent ones absent, and `context.unreadable`, the
 *   names of those that could not be learnt
 *
 * Cedar denies what no policy permits. `@id("…")` names a policy, `@reason("…")` says why, and a `forbid` with
 * `@effect("prompt")` asks a person unless another `forbid` holds. Cedar itself leaves out a policy whose
 * evaluation fails, `forbid` included; here that denies.
 *
 * @param load the library; Node's build unless given
 * @throws TypeError for policies that do not parse, or of which two have one id
 */
export async function createCedarEngine(
  source: string,
  load: () => Promise<CedarLibrary> = loadForNode,
): Promise<PolicyEngine> {
  const cedar = await load();
  const policies = readPolicies(cedar, source);
  const set = `raypher-${++engines}`;
  const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
  const prepared = cedar.preparsePolicySet(set, { staticPolicies });
  if (prepared.type === 'failure') throw new TypeError(messageOf(prepared.errors));
  const byId = new Map(policies.map((policy) => [policy.id, policy]));
  return Object.freeze({
    language: 'cedar' as const,
    decide: (request: ActionRequest) => decideWith(cedar, set, byId, request),
  });
}

async function loadForNode(): Promise<CedarLibrary> {
  return import('@cedar-policy/cedar-wasm/nodejs');
}

function readPolicies(cedar: CedarLibrary, source: string): NamedPolicy[] {
  const parts = cedar.policySetTextToParts(source);
  if (parts.type === 'failure') throw new TypeError(messageOf(parts.errors));
  if (parts.policy_templates.length > 0) throw new TypeError('templates have nothing to be linked to here');
  const seen = new Set<string>();
  return parts.policies.map((text, number) => {
    const read = cedar.policyToJson(text);
    if (read.type === 'failure') throw new TypeError(messageOf(read.errors));
    const { annotations = {}, effect } = read.json;
    const id = annotations.id ?? `policy${number}`;
    if (seen.has(id)) throw new TypeError(`two policies have the id "${id}"`);
    seen.add(id);
    const prompts = annotations.effect === 'prompt';
    if (prompts && effect === 'permit') throw new TypeError(`"${id}" permits: only a forbid can ask`);
    return { id, text, prompts, reason: annotations.reason ?? undefined };
  });
}

function decideWith(
  cedar: CedarLibrary,
  set: string,
  byId: ReadonlyMap<string, NamedPolicy>,
  request: ActionRequest,
): EngineDecision {
  const known = engineFacts(request);
  if (known === undefined) return denied('cedar/invalid-place', 'The host or path is not one.');
  try {
    const answer = cedar.statefulIsAuthorized({
      principal: { type: 'AiAgent', id: request.agent?.id ?? '' },
      action: { type: 'Action', id: request.action },
      resource: { type: 'Place', id: known.place ?? '' },
      context: { ...mutable(known.facts), unreadable: [...known.unreadable] },
      preparsedPolicySetId: set,
      entities: [],
    });
    if (answer.type === 'failure') return denied('cedar/error', messageOf(answer.errors));
    const { decision, diagnostics } = answer.response;
    const [error] = diagnostics.errors;
    if (error !== undefined)
      return denied('cedar/error', `Policy ${error.policyId}: ${messageOf([error.error])}`);
    const deciding = diagnostics.reason
      .toSorted()
      .map((id) => byId.get(id))
      .filter((one) => one !== undefined);
    if (decision === 'allow') return decided('ALLOW', deciding[0]);
    const forbids = deciding.find(({ prompts }) => !prompts);
    return forbids === undefined && deciding[0] !== undefined
      ? decided('PROMPT', deciding[0])
      : decided('DENY', forbids);
  } catch (error) {
    // WebAssembly traps are errors of the library: whatever happened, nothing was decided.
    return denied('cedar/error', error instanceof Error ? error.message : String(error));
  }
}

function decided(outcome: EngineDecision['outcome'], policy: NamedPolicy | undefined): EngineDecision {
  if (policy === undefined) return { outcome, rule: 'cedar/default', reason: 'No policy permits this.' };
  return { outcome, rule: policy.id, reason: policy.reason ?? `Cedar policy ${policy.id} decides.` };
}

function denied(rule: string, reason: string): EngineDecision {
  return { outcome: 'DENY', rule, reason };
}

function mutable(facts: Readonly<Record<string, string | number | readonly string[]>>) {
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [key, typeof value === 'object' ? [...value] : value]),
  );
}

function messageOf(errors: readonly { readonly message: string }[]): string {
  return errors.map(({ message }) => message).join('; ');
}
