import { z } from 'zod';
import type { Action } from './request.ts';
import {
  DestinationPattern,
  Glob,
  identifier,
  isRecord,
  listOf,
  PathPattern,
  Times,
} from './schema-parts.ts';

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
    teams: listOf(Glob)
      .optional()
      .describe('Teams the AI agent belongs to; * is a wildcard; case is ignored.'),
    labels: listOf(Glob)
      .optional()
      .describe('Labels as key=value, one of which must match; * is a wildcard; case matters.'),
  })
  .superRefine(
    (agents, context) => {
      if (context.issues.length === 0 && isRecord(agents) && Object.keys(agents).length === 0) {
        context.addIssue({
          code: 'custom',
          message: '`agents` is empty: add ids, names, users, libraries, teams or labels',
        });
      }
    },
    { when: () => true },
  )
  .meta({ minProperties: 1 })
  .describe('Which AI agents the rule is for. Every key that is present must match.');

export const ID = identifier.describe(
  'Unique in this document: lower-case letters, digits, dots, dashes and underscores.',
);
export const REASON = z
  .string()
  .min(1)
  .max(500)
  .optional()
  .describe('Why. Shown to the person at the device and kept in the ledger.');
/** Seconds that a question waits for an answer, unless its rule says otherwise. */
export const DEFAULT_TIMEOUT_SECONDS = 120;
export const MAX_TIMEOUT_SECONDS = 3_600;

/** How a person is asked: keys that only stand beside `effect: prompt`. */
export const ASKING = {
  on_timeout: z
    .enum(['allow', 'deny'])
    .optional()
    .describe('Only with prompt: what happens when nobody answers; deny unless set.'),
  timeout_seconds: z
    .int()
    .min(5)
    .max(MAX_TIMEOUT_SECONDS)
    .optional()
    .describe(
      `Only with prompt: how long to wait for an answer, 5 to ${MAX_TIMEOUT_SECONDS} seconds; ${DEFAULT_TIMEOUT_SECONDS} unless set.`,
    ),
  approvers: z
    .literal([1, 2])
    .optional()
    .describe('Only with prompt: how many people have to agree, 1 or 2 (four eyes); 1 unless set.'),
};
const ASKING_KEYS = Object.keys(ASKING);

export function effects<const T extends readonly [string, ...string[]]>(names: T, about: string) {
  return z.enum(names).describe(about);
}

export const EFFECT = effects(
  ['allow', 'deny', 'prompt'],
  'What happens to an action that matches. prompt asks a person.',
);

export const destinations = listOf(DestinationPattern).optional().describe('Hosts, one of which must match.');
export const providers = listOf(identifier)
  .optional()
  .describe('Model providers, one of which must match, such as openai or anthropic.');
export const models = listOf(Glob)
  .optional()
  .describe('Models, one of which must match; * is a wildcard; case is ignored.');
export const paths = listOf(PathPattern).optional().describe('Files or devices, one of which must match.');
export const names = (what: string) =>
  listOf(Glob).optional().describe(`${what}, one of which must match; * is a wildcard.`);
export const agents = AgentMatcher.optional();
export const times = Times.optional();
export const actionsOf = <const T extends readonly [Action, ...Action[]]>(actions: T) =>
  listOf(z.enum(actions)).optional().describe('Actions the rule is for; all of this section unless set.');

/** Adds what all rules have in common: at least one matcher, and how to ask only where somebody is asked. */
export function complete<T extends z.ZodObject>(
  rule: T,
  matchers: readonly string[] = [],
  everything = '',
): T {
  return rule
    .superRefine(
      (value: unknown, context) => {
        if (!isRecord(value)) return;
        if (matchers.length > 0 && !matchers.some((matcher) => Object.hasOwn(value, matcher))) {
          const message = `a rule says what it matches: add ${matchers.join(', ')}; ${everything}`;
          context.addIssue({ code: 'custom', message });
        }
        if (value.effect === 'prompt') return;
        for (const key of ASKING_KEYS.filter((one) => Object.hasOwn(value, one))) {
          const message = `\`${key}\` only applies to rules with \`effect: prompt\``;
          context.addIssue({ code: 'custom', message, path: [key], params: { at: 'key' } });
        }
      },
      { when: () => true },
    )
    .meta({
      ...(matchers.length === 0 ? {} : { anyOf: matchers.map((matcher) => ({ required: [matcher] })) }),
      if: { anyOf: ASKING_KEYS.map((key) => ({ required: [key] })) },
      // biome-ignore lint/suspicious/noThenProperty: `then` is a JSON Schema keyword
      then: { properties: { effect: { const: 'prompt' } }, required: ['effect'] },
    });
}
