import { createHash } from 'node:crypto';
import {
  type ActingAgent,
  type ActionRequest,
  type ApplicableLimit,
  asksAbout,
  type Balance,
  compilePolicy,
  type DataFinding,
  decide,
  isClockless,
  isTimeless,
  type LayeredDocument,
  limitsFor,
  type ModelCallRequest,
  type ModelRoute,
  mayConnect,
  type NetworkConnectRequest,
  type PolicyIssue,
  type PolicySnapshot,
  parsePolicy,
  routeModel,
  type Verdict,
} from '@raypher/policy';
import { type ForensicRecipient, type PolicyPayload, RaypherError } from '@raypher/shared';
import type { PolicyPrices } from '../budgets/policy-prices.ts';
import type { AppliedState, Enforcer, VerifiedState } from '../uplink/enforcer.ts';
import { CANARY_HOST } from './canary-host.ts';
import type { PolicyInForce } from './proxy-context.ts';

/** Before a machine belongs to an organisation nothing is governed, only recorded. */
const BEFORE_ENROLMENT = `apiVersion: raypher/v1
mode: monitor
network: { default: allow }
`;

const CANARY = `apiVersion: raypher/v1
mode: enforce
network:
  default: allow
  rules:
    - { id: canary, effect: deny, destinations: [${CANARY_HOST}], reason: This is a self-test. }
`;

/** A limit of the policy, whoever it binds. */
export interface LimitInForce extends Omit<ApplicableLimit, 'counter'> {
  readonly mode: PolicySnapshot['strictestMode'];
}

/** Decides for the proxy, from the policy that is in force. Deciding never waits for anything. */
export class PolicyEnforcer implements Enforcer<PolicyPayload>, PolicyInForce {
  readonly kind = 'policy';
  readonly #canary = compile(0, [{ layer: 'global', source: CANARY }]);
  #applied: { state: AppliedState; documents: LayeredDocument[] } | undefined;
  #local: LayeredDocument | undefined;
  #localSource = '';
  #documents: readonly LayeredDocument[];
  #snapshot: PolicySnapshot;
  /** Of {@link PolicyEnforcer.asksAbout}, which each request asks. */
  #answers: { snapshot: PolicySnapshot | undefined; known: Map<string, boolean> } = {
    snapshot: undefined,
    known: new Map(),
  };

  /** Of the device, by name; undefined: in none, or no document asks. */
  #team: string | undefined;
  #forensics: ForensicRecipient | undefined;
  readonly #identity: 'tpm' | 'software' | undefined;
  readonly #changed: () => void;
  readonly #prices: PolicyPrices | undefined;

  /**
   * @param identity how an enrolled device proves itself; it fails closed: without a policy it denies
   * @param changed called after each switch to another policy
   * @param prices take over what the policy says of them
   */
  constructor(
    identity: 'tpm' | 'software' | undefined,
    changed: () => void = () => {},
    prices?: PolicyPrices,
  ) {
    this.#identity = identity;
    this.#changed = changed;
    this.#prices = prices;
    this.#documents = identity !== undefined ? [] : [parseLayer('local', BEFORE_ENROLMENT)];
    this.#snapshot = compilePolicy({ revision: 0, layers: this.#documents });
  }

  async apply({ revision, digest, payload }: VerifiedState<PolicyPayload>): Promise<number> {
    const documents = payload.documents.map(({ layer, source }) => parseLayer(layer, source));
    const layers = this.#withLocal(documents);
    const snapshot = compilePolicy({ revision, digest, layers });
    this.#applied = { state: { revision, digest }, documents };
    this.#documents = layers;
    this.#snapshot = snapshot;
    this.#team = payload.team?.name;
    this.#prices?.use(payload.prices);
    this.#forensics = payload.forensics;
    this.#changed();
    return 1;
  }

  /** What decisions are made from: the digest is read off the compiled policy itself. */
  current(): AppliedState | undefined {
    if (this.#applied === undefined) return undefined;
    return { revision: this.#snapshot.revision, digest: this.#snapshot.digest };
  }

  /** Another one whenever the policy in force is another one, this machine's own document included. */
  get fingerprint(): string {
    const { revision, digest } = this.#snapshot;
    return createHash('sha256')
      .update(JSON.stringify([revision, digest, this.#localSource]))
      .digest('hex');
  }

  /** What the organisation wants snapshots sealed to; undefined as long as it has no such key. */
  get forensics(): ForensicRecipient | undefined {
    return this.#forensics;
  }

  get mode(): PolicySnapshot['strictestMode'] {
    return this.#snapshot.strictestMode;
  }

  /** What decisions are made from, document by document, for people to see. */
  inForce() {
    const { revision, digest, strictestMode: mode } = this.#snapshot;
    return { revision, digest, mode, documents: this.#documents };
  }

  decide(request: ActionRequest): Verdict {
    if (request.host === CANARY_HOST) return decide(this.#canary, request);
    return decide(this.#snapshot, {
      identity: this.#identity,
      ...request,
      agent: this.#placed(request.agent),
    });
  }

  /** For enforcers that work from what is left of the policy once it is known who acts. */
  actingAs(agent: ActionRequest['agent']): { snapshot: PolicySnapshot; acting: ActingAgent } {
    const acting = { agent: this.#placed(agent), identity: this.#identity, at: Date.now() };
    return { snapshot: this.#snapshot, acting };
  }

  mayConnect(request: NetworkConnectRequest): boolean {
    if (request.host === CANARY_HOST) return mayConnect(this.#canary, request);
    return mayConnect(this.#snapshot, {
      identity: this.#identity,
      ...request,
      agent: this.#placed(request.agent),
    });
  }

  /** With its team, as the organisation says it. Nobody gives labels to AI agents yet, so nobody knows them. */
  #placed(agent: ActionRequest['agent']): ActionRequest['agent'] {
    if (agent === undefined || agent === null) return agent;
    return { team: this.#team, labels: null, ...agent };
  }

  /** The team of the device comes with the policy, and changes with it only. */
  get steady(): object | undefined {
    return isClockless(this.#snapshot) ? this.#snapshot : undefined;
  }

  limitsFor(request: ActionRequest): readonly ApplicableLimit[] {
    return limitsFor(this.#snapshot, request);
  }

  /** Every limit of spending there is, of all layers. */
  limits(): LimitInForce[] {
    return this.#snapshot.layers.flatMap(({ layer, mode, financial }) =>
      (financial?.limits ?? []).map(({ id, amount, warnAt, zone, limit }) => ({
        layer,
        mode,
        id,
        amount,
        warnAt,
        zone,
        ...limit,
      })),
    );
  }

  inspects(direction: 'out' | 'in'): boolean {
    return this.#snapshot.plans[`data.${direction}`].length > 0;
  }

  asksAbout(direction: 'out' | 'in', finding: DataFinding): boolean {
    if (this.#answers.snapshot !== this.#snapshot) {
      this.#answers = { snapshot: this.#snapshot, known: new Map() };
    }
    const { known } = this.#answers;
    const key = `${direction} ${finding.class} ${finding.detector}`;
    const answer = known.get(key) ?? asksAbout(this.#snapshot, direction, finding);
    known.set(key, answer);
    return answer;
  }

  get isReversible(): boolean {
    return this.#snapshot.dlp.reversible;
  }

  /** What documents want looked for. */
  get lookedFor(): PolicySnapshot['dlp'] {
    return this.#snapshot.dlp;
  }

  routeModel(
    request: ModelCallRequest,
    balance: (limit: ApplicableLimit) => Balance | null | undefined,
  ): ModelRoute | undefined {
    return routeModel(this.#snapshot, request, balance);
  }

  /** Whether the same question about this action has the same answer as long as this policy is in force. */
  isTimeless(action: ActionRequest['action']): boolean {
    return isTimeless(this.#snapshot, action);
  }

  /**
   * Adds this machine's own document, which can only tighten. Undefined removes it.
   *
   * @throws RaypherError `policy/syntax` or `policy/schema`; the last good document stays in force
   */
  setLocal(source: string | undefined): void {
    this.#local = source === undefined ? undefined : parseLayer('local', source);
    this.#localSource = source ?? '';
    if (this.#applied === undefined) return;
    const { state, documents } = this.#applied;
    const layers = this.#withLocal(documents);
    this.#snapshot = compilePolicy({ ...state, layers });
    this.#documents = layers;
    this.#changed();
  }

  #withLocal(documents: readonly LayeredDocument[]): LayeredDocument[] {
    return this.#local === undefined ? [...documents] : [...documents, this.#local];
  }
}

function compile(
  revision: number,
  sources: readonly { layer: LayeredDocument['layer']; source: string }[],
): PolicySnapshot {
  return compilePolicy({ revision, layers: sources.map(({ layer, source }) => parseLayer(layer, source)) });
}

function parseLayer(layer: LayeredDocument['layer'], source: string): LayeredDocument {
  const parsed = parsePolicy(source, { layer });
  if (parsed.ok) return parsed;
  const [first] = parsed.issues;
  throw new RaypherError(
    first?.code ?? 'policy/schema',
    `The ${layer} policy was refused: ${place(first)}.`,
    {
      hint: 'Check it with `raypher policy check FILE`.',
      details: { issues: parsed.issues.slice(0, 10) },
    },
  );
}

function place(issue: PolicyIssue | undefined): string {
  return issue === undefined
    ? 'it is not valid'
    : `line ${issue.line}, column ${issue.column}: ${issue.message}`;
}
