export { type SpecialPlace, specialAddress, specialName } from './address-class.ts';
export { changeInWords } from './change-words.ts';
export { compilePolicy, type PolicySnapshot, type PolicySources } from './compile.ts';
export { toMicroDollars } from './condition.ts';
export { type CounterName, isSharedByDevices, readCounter } from './counter-name.ts';
export { decide, limitsFor } from './decide.ts';
export { diffPolicies, type PolicyChange, type PolicyRule } from './diff.ts';
export type { DlpDetector, DlpSettings } from './dlp-settings.ts';
export {
  type DocumentTestRun,
  documentsFor,
  type OwnedSource,
  runDocumentTests,
} from './document-tests.ts';
export type { EngineDecision, PolicyEngine } from './engine/engine.ts';
export { createRaypherEngine } from './engine/raypher-engine.ts';
export { type ListedException, listExceptions } from './exception.ts';
export {
  type Explanation,
  explain,
  type LayerExplanation,
  type Mismatch,
  type NearMiss,
  type RuleExplanation,
  type SectionExplanation,
} from './explain.ts';
export { explainInWords } from './explain-words.ts';
export { asksAbout } from './guess.ts';
export { normaliseHost } from './host.ts';
export type { PolicyIssue } from './issue.ts';
export { type LayeredDocument, POLICY_LAYERS, type PolicyLayer } from './layer.ts';
export type { ApplicableLimit } from './limit.ts';
export { mayConnect } from './may-connect.ts';
export { namesTeams } from './names-teams.ts';
export { MAX_SOURCE_LENGTH, type ParsedPolicy, parsePolicy } from './parse.ts';
export { compilePathGlob } from './path-glob.ts';
export { type Period, periodAt } from './period.ts';
export {
  type ParsedPolicyTests,
  type PolicyTest,
  type PolicyTestResult,
  parsePolicyTests,
  policyTestsJsonSchema,
  runPolicyTests,
} from './policy-test.ts';
export { type RecordedEvent, recordedRequests, requestOfEvent } from './recorded-event.ts';
export {
  type DecisionChange,
  type RecordedRequest,
  type ReplayedDiff,
  replayable,
  replayPolicies,
} from './replay.ts';
export {
  ACTIONS,
  type Action,
  type ActionRequest,
  type Balance,
  type DataFinding,
  type DataRequest,
  type DeviceOpenRequest,
  type FileRequest,
  type MicroDollars,
  type ModelCallRequest,
  type NetworkConnectRequest,
  type PackageInstallRequest,
  type ProcessExecRequest,
  type RequestingAgent,
  type SpentSoFar,
  type ToolCallRequest,
} from './request.ts';
export { type ParsedRequest, parseRequest, toRequest, type WrittenRequest } from './request-schema.ts';
export {
  type ActingAgent,
  MACHINE_ACTIONS,
  type MachineAction,
  type Residual,
  type ResidualRule,
  residualRules,
} from './residual.ts';
export { type Balances, type ModelRoute, type RouteStep, routeModel } from './route-model.ts';
export {
  type DowngradeRule,
  type NetworkRule,
  type NetworkSection,
  PolicyDocument,
  type PolicyException,
  PolicyMode,
  policyJsonSchema,
  SECTIONS,
  type SectionName,
  type SpendLimit,
} from './schema.ts';
export { MAX_SYNTAX, syntaxOf } from './source-limits.ts';
export { STARTER_POLICY } from './starter.ts';
export { isClockless, isTimeless } from './timeless.ts';
export { type PolicyWarning, unreachableRules } from './unreachable.ts';
export {
  type FindingVerdict,
  type Obligation,
  type Opinion,
  type Outcome,
  type Verdict,
  withoutAnswer,
} from './verdict.ts';
