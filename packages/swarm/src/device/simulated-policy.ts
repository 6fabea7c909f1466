import {
  type Cost,
  costOf,
  OverriddenPrices,
  PackagedPrices,
  type PriceBook,
  type Usage,
} from '@raypher/cost';
import {
  type ApplicableLimit,
  type Balance,
  compilePolicy,
  decide,
  limitsFor,
  type ModelCallRequest,
  type ModelRoute,
  type NetworkConnectRequest,
  type PolicySnapshot,
  parsePolicy,
  routeModel,
  type Verdict,
} from '@raypher/policy';
import type { PolicyPayload } from '@raypher/shared';
import type { Endpoint } from './ai-agent-catalogue.ts';
import type { SimulatedAiAgent } from './ai-agents.ts';

export interface SimulatedVerdict {
  verdict: Verdict;
  /** What is called after all. */
  model: string | undefined;
  route: ModelRoute | undefined;
  /** What the call has to be counted against. */
  limits: readonly ApplicableLimit[];
}

const PACKAGED = new PackagedPrices();
const ALLOWING = 'apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: allow }\n';

/**
 * The policy that a simulated device was sent, deciding with the engine of real agents. A device without one denies
 * everything, and a document that an agent would refuse counts as absent.
 */
export class SimulatedPolicy {
  readonly #snapshot: PolicySnapshot;
  readonly #prices: PriceBook;
  readonly #team: string | undefined;

  constructor({ revision, documents, team, prices }: Partial<PolicyPayload> = {}) {
    const layers = (documents ?? []).flatMap(({ layer, source }) => {
      const parsed = parsePolicy(source, { layer });
      return parsed.ok ? [parsed] : [];
    });
    this.#snapshot = compilePolicy({ revision: revision ?? 0, layers });
    this.#team = team?.name;
    this.#prices = prices === undefined ? PACKAGED : new OverriddenPrices(prices, PACKAGED);
  }

  /** One that lets every call pass. */
  static allowing(revision: number): SimulatedPolicy {
    return new SimulatedPolicy({ revision, documents: [{ layer: 'global', source: ALLOWING }] });
  }

  /**
   * @param cost the most that the call can cost
   * @param balanceOf what was spent of a limit so far
   * @param at milliseconds since the epoch
   */
  decide(
    agent: SimulatedAiAgent,
    endpoint: Endpoint,
    cost: Cost,
    balanceOf: (limit: ApplicableLimit) => Balance,
    at: number,
  ): SimulatedVerdict {
    const { provider, model } = endpoint;
    const connection = this.#connection(agent, endpoint, at);
    if (provider === undefined || model === undefined) {
      const verdict = decide(this.#snapshot, { action: 'network.connect', ...connection });
      return { verdict, model: undefined, route: undefined, limits: [] };
    }
    const asked: ModelCallRequest = { action: 'model.call', ...connection, provider, model };
    const route = routeModel(this.#snapshot, asked, balanceOf);
    const call = route?.enforced === true ? { ...asked, model: route.model } : asked;
    const limits = limitsFor(this.#snapshot, call);
    const balances = Object.fromEntries(limits.map((limit) => [limit.counter, balanceOf(limit)]));
    const verdict = decide(this.#snapshot, { ...call, cost: cost.known ? cost.micros : null, balances });
    return { verdict, model: call.model ?? undefined, route, limits };
  }

  /** @param at milliseconds since the epoch */
  costOf(usage: Usage, { provider = '', model }: Pick<Endpoint, 'provider' | 'model'>, at: number): Cost {
    return costOf(usage, { provider, model, at }, this.#prices);
  }

  #connection(
    { id, user, kind }: SimulatedAiAgent,
    { host, port = 443, path }: Endpoint,
    at: number,
  ): Omit<NetworkConnectRequest, 'action'> {
    return {
      host,
      port,
      ...addressOf(host),
      method: 'POST',
      path,
      at,
      identity: 'software',
      agent: { id, name: kind.name, user, libraries: kind.libraries, team: this.#team, labels: null },
    };
  }
}

/** Names are not looked up: the machine is made up, and so would be the answers. */
export function addressOf(host: string): Pick<NetworkConnectRequest, 'address' | 'localChoice'> {
  return host === '127.0.0.1' ? { address: host, localChoice: 'provider' } : {};
}

/** As many as {@link BundleVerifier} remembers. */
const KEPT_POLICIES = 64;
const kept = new Map<string, SimulatedPolicy>();

/** Compiled once for all devices of a fleet: they were sent the same bytes. @param digest of the signed payload */
export function policyOf(payload: PolicyPayload, digest: Buffer): SimulatedPolicy {
  const name = digest.toString('base64');
  const known = kept.get(name);
  if (known !== undefined) return known;
  const policy = new SimulatedPolicy(payload);
  kept.set(name, policy);
  const [oldest] = kept.keys();
  if (kept.size > KEPT_POLICIES && oldest !== undefined) kept.delete(oldest);
  return policy;
}
