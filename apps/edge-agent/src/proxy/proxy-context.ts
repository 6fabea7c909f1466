import type { ActionRequest, Verdict } from '@raypher/policy';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { CallerRule } from './allowed-callers.ts';
import type { AuthoriseCaller, IdentifyCaller, ModelSeen } from './caller.ts';
import type { SealedKeys } from './credentials.ts';
import type { Upstreams } from './upstreams.ts';

/** What every request through the proxy needs. */
export interface ProxyContext {
  decide: (request: ActionRequest) => Verdict;
  identify: IdentifyCaller;
  /** Whether a program may use sealed keys. */
  authorise: AuthoriseCaller;
  /** Undefined on a machine without a vault. */
  keys: SealedKeys | undefined;
  /** Whether every call needs an allowed program. */
  callers: () => CallerRule;
  record: (event: EventDraft) => void;
  modelSeen: ModelSeen;
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
