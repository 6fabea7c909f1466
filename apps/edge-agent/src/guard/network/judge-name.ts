import { normaliseHost, type Opinion, type RequestingAgent, type Verdict } from '@raypher/policy';
import { providerByHost } from '../../proxy/providers.ts';
import type { PolicyInForce } from '../../proxy/proxy-context.ts';

/** What is said about looking a name up. */
export interface NameJudgement {
  readonly refused: boolean;
  /** What is recorded, also where nothing is refused. */
  readonly opinion: Pick<Opinion, 'layer' | 'rule' | 'reason'>;
  readonly wouldBe: boolean;
}

/** Where most connections go that follow. */
const PORT = 443;
/** Records that lead somewhere, or prove others; all others carry whatever their owner writes (RFC 1035, 4034, 9460). */
const ORDINARY_TYPES = new Set([1, 2, 5, 6, 12, 15, 28, 33, 43, 46, 47, 48, 50, 64, 65]);

/**
 * Whether an AI agent may look a name up. A name is data that leaves the machine: one that no connection could be
 * permitted to is not asked for. Records of other kinds than lead to hosts are for names that a rule allows.
 */
export function judgeName(
  policy: Pick<PolicyInForce, 'decide' | 'mayConnect'>,
  name: string,
  type: number,
  agent: RequestingAgent | null | undefined,
): NameJudgement {
  const provider = providerByHost(name, PORT)?.id;
  const request = {
    action: 'network.connect',
    host: name,
    port: PORT,
    provider,
    model: provider === undefined ? undefined : null,
    agent,
  } as const;
  const verdict = policy.decide(request);
  // A name that stands for an address would be judged as one, and looked up as another.
  if (normaliseHost(name) !== name)
    return refusal(verdict, 'builtin/odd-name', 'The name is not one of a host.');
  if (verdict.effective.outcome === 'DENY' && verdict.provisional !== true && !policy.mayConnect(request)) {
    return { refused: true, opinion: verdict.effective, wouldBe: false };
  }
  if (!ORDINARY_TYPES.has(type) && isByDefault(verdict)) {
    return refusal(
      verdict,
      'builtin/data-in-names',
      'Records that carry any data are for names that a rule allows.',
    );
  }
  const wouldBe = verdict.outcome === 'DENY' && verdict.effective.outcome !== 'DENY';
  return { refused: false, opinion: verdict, wouldBe };
}

/** In monitor mode what the product itself holds against a name is recorded only, like everything. */
function refusal(verdict: Verdict, rule: string, reason: string): NameJudgement {
  const isEnforced = verdict.effective.rule !== 'builtin/monitor';
  return { refused: isEnforced, opinion: { layer: 'builtin', rule, reason }, wouldBe: !isEnforced };
}

function isByDefault({ effective }: Verdict): boolean {
  return effective.layer === 'builtin' || effective.rule.endsWith('/default');
}
