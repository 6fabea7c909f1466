import { z } from 'zod';
import { formatDestination, parseDestination } from './destination.ts';

/** What a document may hold: bounds that keep compiling and deciding fast, far above any real policy. */
const MAX_RULES = 10_000;
const MAX_LIST_LENGTH = 1_000;

export const PolicyMode = z.enum(['monitor', 'enforce']);
export type PolicyMode = z.infer<typeof PolicyMode>;

/** Rule ids and provider names. No slash: `builtin/…` and `network/default` are ours and cannot be taken. */
export const IDENTIFIER = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const identifier = z
  .string()
  .regex(IDENTIFIER, 'may only hold lower-case letters, digits, dots, dashes and underscores (at most 64)');

const DestinationPattern = z
  .string()
  .min(1)
  .max(1024)
  .transform((written, context) => {
    const parsed = parseDestination(written);
    if (parsed.ok) return formatDestination(parsed.destination);
    context.addIssue({
      code: 'custom',
      message: `\`${written}\` cannot be a destination: ${parsed.problem}`,
      params: { suggestion: parsed.suggestion },
    });
    return z.NEVER;
  })
  .describe(
    'A host: exact (api.openai.com, 10.0.0.7), *.suffix (every subdomain at any depth, not the suffix itself) or *.',
  );

const Glob = z.string().min(1).max(256);

function listOf<T extends z.ZodType>(item: T) {
  return z.array(item).min(1).max(MAX_LIST_LENGTH);
}

const AgentMatcher = z
  .strictObject({
    ids: listOf(z.string().regex(/^[0-9a-f]{64}$/, 'must be the 64 hex digits of an AI agent id'))
      .optional()
      .describe('Ids of AI agents as the inventory shows them (64 hex digits).'),
    names: listOf(Glob).optional().describe('Names of AI agents; * is a wildcard; case is ignored.'),
    users: listOf(Glob).optional().describe('Accounts the AI agent runs as; * is a wildcard; case matters.'),
    libraries: listOf(Glob)
      .optional()
      .describe(
        'AI libraries found in the AI agent, one of which must match; * is a wildcard; case is ignored.',
      ),
  })
  .superRefine(
    (agents, context) => {
      if (isRecord(agents) && Object.keys(agents).length === 0) {
        context.addIssue({
          code: 'custom',
          message: '`agents` is empty: add ids, names, users or libraries',
        });
      }
    },
    { when: () => true },
  )
  .meta({ minProperties: 1 })
  .describe('Which AI agents the rule is for. Every key that is present must match.');

const MATCHERS = ['destinations', 'providers', 'models', 'agents'] as const;

export const NetworkRule = z
  .strictObject({
    id: identifier.describe(
      'Unique in this document: lower-case letters, digits, dots, dashes and underscores.',
    ),
    effect: z
      .enum(['allow', 'deny', 'prompt'])
      .describe('What happens to a connection that matches. prompt asks a person.'),
    on_timeout: z
      .enum(['allow', 'deny'])
      .optional()
      .describe('Only with prompt: what happens when nobody answers; deny unless set.'),
    destinations: listOf(DestinationPattern).optional().describe('Hosts, one of which must match.'),
    providers: listOf(identifier)
      .optional()
      .describe('Model providers, one of which must match, such as openai or anthropic.'),
    models: listOf(Glob)
      .optional()
      .describe('Models, one of which must match; * is a wildcard; case is ignored.'),
    agents: AgentMatcher.optional(),
    reason: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .describe('Why. Shown to the person at the device and kept in the ledger.'),
  })
  .superRefine(
    (rule, context) => {
      if (!isRecord(rule)) return;
      if (!MATCHERS.some((matcher) => Object.hasOwn(rule, matcher))) {
        const message = `a rule says what it matches: add ${MATCHERS.join(', ')}; destinations: ['*'] matches everything`;
        context.addIssue({ code: 'custom', message });
      }
      if (Object.hasOwn(rule, 'on_timeout') && rule.effect !== 'prompt') {
        const message = '`on_timeout` only applies to rules with `effect: prompt`';
        context.addIssue({ code: 'custom', message, path: ['on_timeout'], params: { at: 'key' } });
      }
    },
    { when: () => true },
  )
  .meta({
    anyOf: MATCHERS.map((matcher) => ({ required: [matcher] })),
    if: { required: ['on_timeout'] },
    // biome-ignore lint/suspicious/noThenProperty: `then` is a JSON Schema keyword
    then: { properties: { effect: { const: 'prompt' } } },
  });
export type NetworkRule = z.infer<typeof NetworkRule>;

export const NetworkSection = z
  .strictObject({
    default: z
      .enum(['allow', 'deny'])
      .default('deny')
      .describe('What happens when no rule matches; deny unless set.'),
    rules: z
      .array(NetworkRule)
      .max(MAX_RULES)
      .default([])
      .superRefine(refuseRepeatedIds, { when: () => true })
      .describe('Tried in order; the first rule that matches decides for this document.'),
  })
  .describe('Connections of AI agents, whether to models or to anything else.');
export type NetworkSection = z.infer<typeof NetworkSection>;

/** Sections that govern something. A document without any would silently govern nothing. */
const SECTIONS = ['network'] as const;

/** A policy document as its author writes it. A section that is absent has no opinion on its actions. */
export const PolicyDocument = z
  .strictObject({
    apiVersion: z.literal('raypher/v1').describe('The version of this format.'),
    description: z.string().max(2000).optional().describe('For people who read this document.'),
    mode: PolicyMode.describe('monitor records what would have been blocked; enforce blocks it.'),
    network: NetworkSection.optional(),
  })
  .superRefine(
    (document, context) => {
      if (isRecord(document) && !SECTIONS.some((section) => Object.hasOwn(document, section))) {
        const message = `this document governs nothing: add a \`${SECTIONS.join('`, `')}\` section`;
        context.addIssue({ code: 'custom', message });
      }
    },
    { when: () => true },
  )
  .meta({ title: 'Raypher policy', anyOf: SECTIONS.map((section) => ({ required: [section] })) });
export type PolicyDocument = z.infer<typeof PolicyDocument>;

/** The published JSON Schema (2020-12) of a document before defaults are filled in, for editors. */
export function policyJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(PolicyDocument, { io: 'input' });
}

/** Runs on rules that may be malformed themselves, so that all mistakes of a document are reported at once. */
function refuseRepeatedIds(rules: unknown, context: z.core.$RefinementCtx<unknown>): void {
  if (!Array.isArray(rules)) return;
  const seen = new Set<string>();
  rules.forEach((rule: unknown, index) => {
    if (!isRecord(rule)) return;
    const id = rule.id;
    if (typeof id !== 'string') return;
    if (seen.has(id)) {
      const message = `rule id \`${id}\` is used more than once`;
      context.addIssue({ code: 'custom', message, path: [index, 'id'] });
    }
    seen.add(id);
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
