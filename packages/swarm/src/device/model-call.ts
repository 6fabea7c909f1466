import { type Cost, inputTokens, NO_TOKENS, type Usage } from '@raypher/cost';
import { type ModelRoute, withoutAnswer } from '@raypher/policy';
import type { SeededRandom } from '../random.ts';
import type { Endpoint } from './ai-agent-catalogue.ts';
import type { SimulatedAiAgent } from './ai-agents.ts';
import type { EventDraft } from './event-drafts.ts';
import { addressOf, type SimulatedPolicy } from './simulated-policy.ts';
import { SimulatedSpending } from './simulated-spending.ts';

/** About what English takes. */
const BYTES_PER_TOKEN = 4;
/** What the proxy answers itself with. */
const REFUSED = { denied: 403, 'over-budget': 429 } as const;

/**
 * A call through the proxy, as a real agent records it: the verdict is that of the policy in force. A question to a
 * person is answered by nobody. Tokens are made up, and so the cost is an estimate.
 */
export function modelCall(
  random: SeededRandom,
  agent: SimulatedAiAgent,
  policy: SimulatedPolicy,
  spending = new SimulatedSpending(),
): EventDraft {
  const at = Date.now();
  const endpoint = random.pick(agent.kind.endpoints);
  const usage = usageOf(random, endpoint);
  const { verdict, model, route, limits } = policy.decide(
    agent,
    endpoint,
    policy.costOf(usage, endpoint, at),
    (limit) => spending.balanceOf(limit, at),
    at,
  );
  const denied = withoutAnswer(verdict.effective) === 'DENY';
  const stopped = verdict.effective.section === 'financial' ? 'over-budget' : 'denied';
  const cost = policy.costOf(usage, { ...endpoint, ...(model !== undefined && { model }) }, at);
  if (!denied && cost.known) spending.charge(limits, cost.micros, at);
  const wouldBlock = verdict.outcome === 'DENY' && !denied;
  const { host, port = 443, path, provider } = endpoint;
  return {
    type: 'network.request',
    severity: denied || wouldBlock ? 'warning' : 'info',
    actor: {
      kind: 'ai-agent',
      id: agent.id,
      name: agent.kind.name,
      user: agent.user,
      pid: agent.pids[0] ?? 0,
    },
    action: 'call',
    target: `${host}${path}`,
    verdict: {
      outcome: verdict.outcome,
      mode: verdict.mode,
      layer: verdict.layer,
      rule: verdict.rule,
      reason: verdict.reason,
      revision: verdict.revision,
    },
    data: {
      simulated: true,
      host,
      port,
      ...addressFacts(host),
      method: 'POST',
      ...(provider === undefined ? {} : { provider }),
      ...(model === undefined ? {} : { model }),
      status: denied ? REFUSED[stopped] : 200,
      denied,
      wouldBlock,
      bytesSent: denied ? 0 : inputTokens(usage.tokens) * BYTES_PER_TOKEN,
      bytesReceived: denied ? 0 : (usage.tokens.output + random.integer(40, 400)) * BYTES_PER_TOKEN,
      durationMs: denied ? 0 : random.integer(180, 9_000),
      streamed: false,
      inspected: true,
      credential: 'own',
      ...(denied ? { stopped } : {}),
      ...routeFacts(endpoint, route),
      ...(denied || provider === undefined ? {} : costFacts(usage, cost)),
    },
  };
}

function usageOf(random: SeededRandom, { path }: Endpoint): Usage {
  const input = random.integer(200, 6_000);
  const output = path.endsWith('/embeddings') ? 0 : random.integer(40, 1_500);
  return {
    tokens: { ...NO_TOKENS, input, output },
    searches: 0,
    estimated: true,
    model: undefined,
    reportedMicros: undefined,
    surcharges: [],
  };
}

function addressFacts(host: string): EventDraft['data'] {
  const { address, localChoice } = addressOf(host);
  return {
    ...(typeof address === 'string' ? { address } : {}),
    ...(localChoice === undefined ? {} : { localChoice }),
  };
}

function routeFacts({ model }: Endpoint, route: ModelRoute | undefined): EventDraft['data'] {
  if (route === undefined) return {};
  return {
    ...(model === undefined ? {} : { askedModel: model }),
    routedTo: route.model,
    routedBy: route.steps.map(({ layer, rule }) => `${layer}/${rule}`),
    routed: route.enforced,
  };
}

/** What nobody knows is absent, never zero. */
function costFacts({ tokens, estimated }: Usage, cost: Cost): EventDraft['data'] {
  return {
    inputTokens: inputTokens(tokens),
    outputTokens: tokens.output,
    cachedTokens: tokens.cacheRead,
    tokensEstimated: estimated,
    ...(cost.known ? { costMicros: cost.micros, costEstimated: cost.estimated } : {}),
    ...(cost.known && cost.pricedAs !== undefined ? { pricedAs: cost.pricedAs } : {}),
  };
}
