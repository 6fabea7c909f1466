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

const Simulated = z.object({ data: z.object({ simulated: z.literal(true) }) });

/** Whether a simulated device made the entry up. */
export function isSimulated(entry: string): boolean {
  try {
    return Simulated.safeParse(JSON.parse(entry)).success;
  } catch {
    return false;
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
  const section = sectionOfDefault(rule);
  if (section !== undefined)
    return `the default of ${section} in the ${layer} policy, as no rule under it matched`;
  return `${rule} of the ${layer} policy`;
}

/** What to change so that the same request passes; undefined when it passed. */
export function explainWayOut({ verdict, data }: RecordedVerdict): string | undefined {
  if (verdict.outcome === 'ALLOW') return undefined;
  const host = typeof data.host === 'string' ? data.host : 'this destination';
  if (verdict.layer === 'builtin')
    return 'Deploy a policy that has a rule for this request; built-in rules decide only where a policy is silent or missing.';
  const section = sectionOfDefault(verdict.rule);
  if (section !== undefined)
    return `A rule under ${section} in the ${verdict.layer} policy that allows ${host} would let it pass.`;
  return `A change of ${verdict.rule} in the ${verdict.layer} policy would let it pass, or, of a rule but not of a limit, an exception there. A lower layer cannot loosen it.`;
}

/** @example sectionOfDefault('dlp/default') // "dlp" */
function sectionOfDefault(rule: string): string | undefined {
  return /^(?<section>[a-z_]+)\/default$/.exec(rule)?.groups?.section;
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
