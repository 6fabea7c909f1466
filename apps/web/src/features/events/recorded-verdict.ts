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

/** Why the verdict came out so, in sentences for somebody who does not write policies. */
export function explainVerdict({ verdict }: RecordedVerdict): string {
  const { outcome, mode, layer } = verdict;
  const noted = mode === 'monitor' && outcome !== 'ALLOW';
  const said = noted ? WOULD[outcome] : DOES[outcome];
  const sentence = `${decider(verdict)} ${said}.`;
  if (!noted) return sentence;
  const whose = layer === 'builtin' ? 'the policy' : `the ${layer} policy`;
  return `${sentence} ${WAS_NOT[outcome]}, because ${whose} is in monitor mode: it records and does not act.`;
}

const DOES = { ALLOW: 'allows this', DENY: 'denies this', PROMPT: 'wants a person to decide about this' };
const WOULD = { DENY: 'would deny this', PROMPT: 'would want a person to decide about this' };
const WAS_NOT = { DENY: 'It did not block it', PROMPT: 'Nobody was asked for it' };

/** Who decides, as the subject of a sentence. */
function decider({ layer, rule }: RecordedVerdict['verdict']): string {
  if (layer === 'builtin') return 'A rule that is built into Raypher';
  const section = sectionOfDefault(rule);
  if (section === undefined) return `The rule “${rule}” of the ${layer} policy`;
  return `No rule under “${section}” in the ${layer} policy matches, and the default there`;
}

/** Which policy decided. @example policyName({ layer: 'team', revision: 3 }) // "Team policy, revision 3" */
export function policyName({ layer, revision }: { layer: string; revision: number }): string {
  if (layer === 'builtin') return `Built into Raypher, beside revision ${revision}`;
  return `${layer.charAt(0).toUpperCase()}${layer.slice(1)} policy, revision ${revision}`;
}

/** What to change so that the same request passes; undefined when it passed. */
export function explainWayOut({ verdict, data }: RecordedVerdict): string | undefined {
  const { outcome, layer, rule } = verdict;
  if (outcome === 'ALLOW') return undefined;
  if (layer === 'builtin')
    return BUILT_IN_WAYS_OUT[rule] ?? 'No policy can allow this: the reason above says what is wrong.';
  const host = typeof data.host === 'string' ? data.host : 'it';
  const section = sectionOfDefault(rule);
  if (section !== undefined)
    return `A rule under “${section}” in the ${layer} policy that allows ${host} would let it pass.`;
  return `A change of “${rule}” in the ${layer} policy would let it pass; so would an exception there, if “${rule}” is a rule and not a limit of spending. A policy of a lower layer cannot loosen it.`;
}

/** Of the built-in rules that an administrator can lift. */
const BUILT_IN_WAYS_OUT: Readonly<Record<string, string>> = {
  'builtin/no-policy':
    'A policy that allows it would let it pass: without one, devices deny everything that AI agents ask for.',
  'builtin/private-address': 'An allow rule of the global policy that names this address would let it pass.',
  'builtin/metadata-address': 'An allow rule of the global policy that names this address would let it pass.',
  'builtin/data-in-names': 'A rule of the policy that allows this name would let it pass.',
  'builtin/unknown-action':
    'This program asks for something that the agent on the device does not know: update Raypher there.',
  'caller-not-allowed':
    'On the device, raypher allow puts the program on the list of those that may use sealed keys.',
};

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
