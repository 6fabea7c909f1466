export { compilePolicy, type PolicySnapshot, type PolicySources } from './compile.ts';
export { decide } from './decide.ts';
export { diffPolicies, type PolicyChange } from './diff.ts';
export {
  type Explanation,
  explain,
  type LayerExplanation,
  type Mismatch,
  type RuleExplanation,
} from './explain.ts';
export { normaliseHost } from './host.ts';
export type { PolicyIssue } from './issue.ts';
export { type LayeredDocument, POLICY_LAYERS, type PolicyLayer } from './layer.ts';
export { MAX_SOURCE_LENGTH, type ParsedPolicy, parsePolicy } from './parse.ts';
export type { ActionRequest, NetworkConnectRequest, RequestingAgent } from './request.ts';
export {
  type NetworkRule,
  type NetworkSection,
  PolicyDocument,
  PolicyMode,
  policyJsonSchema,
} from './schema.ts';
export { STARTER_POLICY } from './starter.ts';
export { type Opinion, type Outcome, type Verdict, withoutAnswer } from './verdict.ts';
