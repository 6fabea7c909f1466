import type { PriceBook } from '@raypher/cost';
import type {
  ActionRequest,
  ApplicableLimit,
  Balance,
  DataFinding,
  ModelCallRequest,
  ModelRoute,
  NetworkConnectRequest,
  Verdict,
} from '@raypher/policy';
import type { Approvals } from '../approvals/approval.ts';
import type { Spending } from '../budgets/spending.ts';
import type { LiveConnections } from '../connections/live-connections.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { Names } from '../recogniser/names.ts';
import type { CallerRule } from './allowed-callers.ts';
import type { AuthoriseCaller, IdentifyCaller, ModelSeen } from './caller.ts';
import type { SealedKeys } from './credentials.ts';
import type { DataGuard } from './data-guard.ts';
import type { Transcripts } from './transcript.ts';
import type { Upstreams } from './upstreams.ts';

/** The policy that is in force at the moment of asking. */
export interface PolicyInForce {
  decide(request: ActionRequest): Verdict;
  /**
   * Another one whenever the policy in force is another one. Undefined while what it says about calls of models depends
   * on more than what it is asked, such as the time of day.
   */
  readonly steady: object | undefined;
  /** Whether anything that is not known yet could make a connection one that may be. */
  mayConnect(request: NetworkConnectRequest): boolean;
  /** The limits that a call has to keep. */
  limitsFor(request: ActionRequest): readonly ApplicableLimit[];
  /** Which model is called in the place of the one that is asked for, if any. */
  routeModel(
    request: ModelCallRequest,
    balance: (limit: ApplicableLimit) => Balance | null | undefined,
  ): ModelRoute | undefined;
  /** Whether it says anything about data in this direction. */
  inspects(direction: 'out' | 'in'): boolean;
  /** Whether some rule names such a finding and does more than let it pass; cheap enough for each request. */
  asksAbout(direction: 'out' | 'in', finding: DataFinding): boolean;
  /** Whether what is taken out of questions is put back into their answers. */
  readonly isReversible: boolean;
}

/** What every request through the proxy needs. */
export interface ProxyContext {
  policy: PolicyInForce;
  data: DataGuard;
  /** Undefined where nobody looks for names. */
  names: Names | undefined;
  prices: PriceBook;
  /** Undefined where nobody counts: limits then hold whatever was spent. */
  spending: Spending | undefined;
  /** Undefined where nobody can be asked: what the rule says for no answer is done at once. */
  approvals: Approvals | undefined;
  connections: LiveConnections;
  transcripts: Transcripts;
  identify: IdentifyCaller;
  /** Whether a program may use sealed keys. */
  authorise: AuthoriseCaller;
  /** Undefined on a machine without a vault. */
  keys: SealedKeys | undefined;
  /** Whether every call needs an allowed program. */
  callers: () => CallerRule;
  record: (event: EventDraft) => void;
  modelSeen: ModelSeen;
  /** Something of our own failed while a request went on. */
  failed: (error: unknown) => void;
  upstreams: Upstreams;
  /** Largest body held in memory to learn its model, in bytes. */
  bodyLimitBytes: number;
  /** Marks the agent's own self-test, which is not an event. */
  canaryPath: string;
  /** The proxy's own port, to refuse requests that lead back into it. */
  ownPort: () => number;
}

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|::1|0\.0\.0\.0|::)$/;

/** Does this address lead back into the proxy? */
export function leadsBack(context: ProxyContext, host: string, port: number): boolean {
  if (port !== context.ownPort() || !LOOPBACK.test(host)) return false;
  const { host: actual, port: actualPort } = context.upstreams.address(host, port);
  return actualPort === context.ownPort() && LOOPBACK.test(actual);
}
