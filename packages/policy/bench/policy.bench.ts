/**
 * How long a decision takes with 100, 1,000 and 10,000 rules, against a floor: a Map from hosts to rules, and a
 * hand-written loop over what it gives, for the same rules without any of the language (no globs, no layers,
 * no reasons).
 */
import { median, percentile, printResult, printTable } from '../../../bench/lib/report.ts';
import { type ActionRequest, compilePolicy, decide, type PolicySnapshot, parsePolicy } from '../src/index.ts';

const SIZES = [100, 1_000, 10_000];
const BATCH = 32;
const BATCHES = 4_000;
/** Interleaved, so that neither side has the machine to itself. */
const ROUNDS = 5;

type Kind = 'mixed' | 'no_destination' | 'one_host';

function ruleOf(kind: Kind, n: number): string {
  const id = `id: r${n}, effect: ${n % 7 === 0 ? 'prompt' : n % 3 === 0 ? 'allow' : 'deny'}`;
  const model = `provider-${n % 40}-model-${n}`;
  if (kind === 'one_host') return `{ ${id}, destinations: [api.shared.example], models: ['${model}'] }`;
  switch (kind === 'no_destination' ? 4 + (n % 6) : n % 10) {
    case 0:
    case 1:
      return `{ ${id}, destinations: [api.host-${n}.example, www.host-${n}.example] }`;
    case 2:
      return `{ ${id}, destinations: ['*.suffix-${n}.example'] }`;
    case 3:
      return `{ ${id}, destinations: ['*.suffix-${n}.example'], agents: { users: ['dev-*'] } }`;
    case 4:
      return `{ ${id}, providers: [provider-${n % 40}], models: ['${model}*'] }`;
    case 5:
      return `{ ${id}, agents: { ids: ['${n.toString(16).padStart(64, '0')}'] } }`;
    case 6:
      return `{ ${id}, agents: { users: ['user-${n}'], libraries: [langchain] } }`;
    case 7:
      return `{ ${id}, when: { agent.team: { eq: team-${n} }, agent.trust: { lt: 700 } } }`;
    case 8:
      return `{ ${id}, models: ['*-${n}-preview'], times: [{ from: '22:00', to: '06:00', zone: Europe/Berlin }] }`;
    default:
      return `{ ${id}, providers: [special-${n}], when: { model: { regex: '^x-${n}' } } }`;
  }
}

function compile(kind: Kind, rules: number): PolicySnapshot {
  const lines = Array.from({ length: rules }, (_, n) => `    - ${ruleOf(kind, n)}`);
  // The parser refuses documents above a million characters: ten thousand rules come in three layers.
  const size = Math.ceil(rules / 3);
  const layers = (['global', 'team', 'local'] as const).map((layer, at) => {
    const own = lines.slice(at * size, (at + 1) * size);
    const source = `apiVersion: raypher/v1\nmode: enforce\nnetwork:\n  default: allow\n  rules:\n${own.join('\n')}\n`;
    const parsed = parsePolicy(source, { layer });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues[0]));
    return parsed;
  });
  return compilePolicy({ revision: 1, layers });
}

/** Half of the requests meet a rule somewhere in the list, half meet none. */
function requestsFor(kind: Kind, rules: number): ActionRequest[] {
  return Array.from({ length: 512 }, (_, n): ActionRequest => {
    const rule = Math.floor((((n * 2_654_435_761) % 2 ** 32) / 2 ** 32) * rules);
    const isHit = n % 2 === 0;
    const host = kind === 'one_host' ? 'api.shared.example' : ['api.host-', 'a.b.suffix-'][(n >> 1) % 2];
    return {
      action: 'model.call',
      host: kind === 'one_host' ? 'api.shared.example' : `${host}${isHit ? rule : `none-${rule}`}.example`,
      port: 443,
      provider: `provider-${rule % 40}`,
      model: isHit ? `provider-${rule % 40}-model-${rule}` : 'gpt-4o-mini',
      at: 1_795_176_000_000,
      agent: {
        id: (isHit ? rule : 9_999_999).toString(16).padStart(64, '0'),
        name: 'coder',
        user: isHit ? `user-${rule}` : 'dev-ann',
        libraries: ['langchain', 'openai'],
        team: `team-${rule}`,
        trust: 650,
      },
    };
  });
}

/** What the language comes down to at best: one look-up, few comparisons. */
function floorFor(rules: number): (request: ActionRequest) => string {
  interface Rule {
    readonly host: string;
    readonly user: string | undefined;
    readonly outcome: string;
  }
  const byHost = new Map<string, Rule[]>();
  for (let n = 0; n < rules; n++) {
    const host = `api.host-${n}.example`;
    byHost.set(host, [
      { host, user: n % 4 === 0 ? `user-${n}` : undefined, outcome: n % 3 === 0 ? 'ALLOW' : 'DENY' },
    ]);
  }
  return (request) => {
    const { host, agent } = request;
    for (const rule of byHost.get(host ?? '') ?? []) {
      if (rule.host === host && (rule.user === undefined || rule.user === agent?.user)) return rule.outcome;
    }
    return 'ALLOW';
  };
}

/** Microseconds of one decision, batch by batch. */
function measure(
  decideOne: (request: ActionRequest) => unknown,
  requests: readonly ActionRequest[],
): number[] {
  const times: number[] = [];
  let next = 0;
  for (let batch = 0; batch < BATCHES / ROUNDS; batch++) {
    const started = performance.now();
    for (let n = 0; n < BATCH; n++) kept = decideOne(requests[next++ % requests.length] ?? NEVER);
    times.push(((performance.now() - started) * 1_000) / BATCH);
  }
  return times;
}

const NEVER: ActionRequest = { action: 'network.connect', host: 'never.example', port: 443 };
/** Read at the end, so that nothing that is measured can be left out by the compiler. */
let kept: unknown;

const figures: Record<string, number> = {};
const rows: (string | number)[][] = [];
const ratios: Record<string, number> = {};
for (const size of SIZES) {
  const floor = floorFor(size);
  const requests = requestsFor('mixed', size);
  const kinds: Kind[] = size === 1_000 ? ['mixed', 'no_destination', 'one_host'] : ['mixed'];
  const subjects = kinds.map((kind) => {
    const started = performance.now();
    const snapshot = compile(kind, size);
    const compileMs = performance.now() - started;
    return { kind, snapshot, compileMs, requests: requestsFor(kind, size), times: [] as number[] };
  });
  const floorTimes: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const floorRound = measure(floor, requests);
    if (round >= 0) floorTimes.push(...floorRound);
    for (const { snapshot, requests: own, times } of subjects) {
      const measured = measure((request) => decide(snapshot, request), own);
      if (round >= 0) times.push(...measured);
    }
  }
  for (const { kind, times, compileMs } of subjects) {
    const name = kind === 'mixed' ? `decide_${size}_rules` : `decide_${size}_rules_${kind}`;
    figures[`${name}_p50_us`] = median(times);
    figures[`${name}_p99_us`] = percentile(times, 0.99);
    ratios[`${name}_vs_floor`] = median(times) / median(floorTimes);
    const spread = `${percentile(times, 0.25).toFixed(2)}–${percentile(times, 0.75).toFixed(2)}`;
    rows.push([
      `${size} rules, ${kind}`,
      median(times).toFixed(2),
      spread,
      percentile(times, 0.99).toFixed(2),
      compileMs,
    ]);
  }
  figures[`floor_${size}_p50_us`] = median(floorTimes);
  rows.push([
    `${size} rules, floor`,
    median(floorTimes).toFixed(3),
    '',
    percentile(floorTimes, 0.99).toFixed(2),
    0,
  ]);
}
if (kept === undefined) throw new Error('nothing was decided');
printTable(['µs for one decision', 'p50', 'middle half', 'p99', 'parse + compile ms'], rows);
printResult({ bench: 'policy', figures, ratios });
