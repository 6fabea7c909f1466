import { z } from 'zod';

/** The parts of a ledger entry that explain its verdict (packages/shared, `LedgerEntry`). */
const Explained = z.object({
  verdict: z.object({
    outcome: z.enum(['ALLOW', 'DENY', 'PROMPT']),
    mode: z.enum(['enforce', 'monitor']),
    layer: z.enum(['global', 'team', 'local', 'builtin']),
    rule: z.string(),
    reason: z.string(),
    revision: z.number().int(),
  }),
  data: z.record(z.string(), z.unknown()),
});
export type RecordedVerdict = z.infer<typeof Explained>;

/** Reads the verdict out of an entry's exact text; undefined when the entry has none. */
export function readVerdict(entry: string): RecordedVerdict | undefined {
  try {
    return Explained.safeParse(JSON.parse(entry)).data;
  } catch {
    return undefined;
  }
}

/** Why the verdict came out so, in one or two sentences. */
export function explainVerdict({ verdict }: RecordedVerdict): string {
  const passed = verdict.outcome === 'DENY' && verdict.mode === 'monitor';
  const happened = {
    ALLOW: 'Allowed',
    PROMPT: 'A person had to be asked',
    DENY: passed ? 'To be denied' : 'Denied',
  }[verdict.outcome];
  return `${happened} by ${decider(verdict)}.${passed ? ' It passed, because that policy only monitors.' : ''}`;
}

function decider({ layer, rule }: RecordedVerdict['verdict']): string {
  if (layer === 'builtin') return 'a built-in rule of the product';
  if (rule === 'network/default') return `the default of the ${layer} policy, as no rule of it matched`;
  return `the first rule of the ${layer} policy that matched`;
}

/** What to change so that the same request passes; undefined when it passed. */
export function explainWayOut({ verdict, data }: RecordedVerdict): string | undefined {
  if (verdict.outcome === 'ALLOW') return undefined;
  const host = typeof data.host === 'string' ? data.host : 'this destination';
  if (verdict.layer === 'builtin')
    return 'Deploy a policy that has a rule for this request; built-in rules decide only where a policy is silent or missing.';
  if (verdict.rule === 'network/default')
    return `A rule in the ${verdict.layer} policy that allows ${host} would let it pass.`;
  return `A rule that allows ${host}, placed before ${verdict.rule} in the ${verdict.layer} policy, or a change of ${verdict.rule}, would let it pass. A lower layer cannot loosen it.`;
}

/** The facts that rules are compared with, in the words of the policy document. */
export function comparedFacts({ data }: RecordedVerdict): { name: string; value: string }[] {
  const facts: [string, unknown][] = [
    ['Destination', data.host],
    ['Provider', data.provider],
    ['Model', data.model],
  ];
  return facts.flatMap(([name, value]) =>
    typeof value === 'string' && value !== '' ? [{ name, value }] : [],
  );
}
