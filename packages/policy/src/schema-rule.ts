import { z } from 'zod';
import { ACTIONS, type Action } from './request.ts';
import {
  DestinationPattern,
  Glob,
  Instant,
  identifier,
  isRecord,
  listOf,
  PathPattern,
  Times,
} from './schema-parts.ts';
import { whenOf } from './schema-when.ts';

export const NETWORK_ACTIONS = ['network.connect', 'model.call'] as const;
export const OPERATIONAL_ACTIONS = [
  'file.read',
  'file.write',
  'file.delete',
  'process.exec',
  'device.open',
] as const;
export const DATA_ACTIONS = ['data.out', 'data.in'] as const;

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

const ID = identifier.describe(
  'Unique in this document: lower-case letters, digits, dots, dashes and underscores.',
);
const REASON = z
  .string()
  .min(1)
  .max(500)
  .optional()
  .describe('Why. Shown to the person at the device and kept in the ledger.');
const ON_TIMEOUT = z
  .enum(['allow', 'deny'])
  .optional()
  .describe('Only with prompt: what happens when nobody answers; deny unless set.');

function effects<const T extends readonly [string, ...string[]]>(names: T, about: string) {
  return z.enum(names).describe(about);
}

const EFFECT = effects(
  ['allow', 'deny', 'prompt'],
  'What happens to an action that matches. prompt asks a person.',
);

const destinations = listOf(DestinationPattern).optional().describe('Hosts, one of which must match.');
const providers = listOf(identifier)
  .optional()
  .describe('Model providers, one of which must match, such as openai or anthropic.');
const models = listOf(Glob)
  .optional()
  .describe('Models, one of which must match; * is a wildcard; case is ignored.');
const paths = listOf(PathPattern).optional().describe('Files or devices, one of which must match.');
const names = (what: string) =>
  listOf(Glob).optional().describe(`${what}, one of which must match; * is a wildcard.`);
const agents = AgentMatcher.optional();
const times = Times.optional();
const actionsOf = <const T extends readonly [Action, ...Action[]]>(actions: T) =>
  listOf(z.enum(actions)).optional().describe('Actions the rule is for; all of this section unless set.');

export const NetworkRule = complete(
  z.strictObject({
    id: ID,
    effect: EFFECT.describe('What happens to a connection that matches. prompt asks a person.'),
    on_timeout: ON_TIMEOUT,
    destinations,
    providers,
    models,
    agents,
    times,
    when: whenOf(NETWORK_ACTIONS).optional(),
    reason: REASON,
  }),
  ['destinations', 'providers', 'models', 'agents', 'times', 'when'],
  "destinations: ['*'] matches everything",
);
export type NetworkRule = z.infer<typeof NetworkRule>;

export const OperationalRule = complete(
  z.strictObject({
    id: ID,
    effect: EFFECT,
    on_timeout: ON_TIMEOUT,
    actions: actionsOf(OPERATIONAL_ACTIONS),
    paths,
    commands: names('Executables, by name or, with a slash, by whole path'),
    arguments: names('Arguments of a command'),
    device_classes: names('Classes of devices, such as camera'),
    agents,
    times,
    when: whenOf(OPERATIONAL_ACTIONS).optional(),
    reason: REASON,
  }),
  ['actions', 'paths', 'commands', 'arguments', 'device_classes', 'agents', 'times', 'when'],
  'actions alone matches all of them',
);
export type OperationalRule = z.infer<typeof OperationalRule>;

export const ToolRule = complete(
  z.strictObject({
    id: ID,
    effect: EFFECT,
    on_timeout: ON_TIMEOUT,
    servers: names('MCP servers'),
    tools: names('Names of tools; case matters'),
    arguments: names('Arguments of the call'),
    agents,
    times,
    when: whenOf(['tool.call']).optional(),
    reason: REASON,
  }),
  ['servers', 'tools', 'arguments', 'agents', 'times', 'when'],
  "tools: ['*'] matches everything",
);
export type ToolRule = z.infer<typeof ToolRule>;

export const SupplyChainRule = complete(
  z.strictObject({
    id: ID,
    effect: EFFECT,
    on_timeout: ON_TIMEOUT,
    ecosystems: names('Ecosystems, such as npm or pypi'),
    packages: names('Packages'),
    agents,
    times,
    when: whenOf(['package.install']).optional(),
    reason: REASON,
  }),
  ['ecosystems', 'packages', 'agents', 'times', 'when'],
  "packages: ['*'] matches everything",
);
export type SupplyChainRule = z.infer<typeof SupplyChainRule>;

export const DLP_EFFECTS = ['allow', 'alert', 'redact', 'prompt', 'block'] as const;

export const DlpRule = complete(
  z.strictObject({
    id: ID,
    effect: effects(
      DLP_EFFECTS,
      'What happens to data that matches: alert records it, redact replaces it, block refuses the message.',
    ),
    on_timeout: ON_TIMEOUT,
    direction: z
      .enum(['out', 'in', 'both'])
      .default('both')
      .describe('out is to the model, in is its answer; both unless set.'),
    classes: names('Categories of data, such as credential or personal'),
    detectors: names('Detectors, such as email'),
    destinations,
    providers,
    models,
    agents,
    times,
    when: whenOf(DATA_ACTIONS).optional(),
    reason: REASON,
  }),
  ['classes', 'detectors', 'destinations', 'providers', 'models', 'agents', 'times', 'when'],
  "classes: ['*'] matches everything that was found",
);
export type DlpRule = z.infer<typeof DlpRule>;

export const TemporalRule = complete(
  z.strictObject({
    id: ID,
    effect: EFFECT,
    on_timeout: ON_TIMEOUT,
    actions: actionsOf(ACTIONS),
    times: Times,
    agents,
    when: whenOf([]).optional(),
    reason: REASON,
  }),
);
export type TemporalRule = z.infer<typeof TemporalRule>;

export const TrustRule = complete(
  z.strictObject({
    id: ID,
    effect: EFFECT,
    on_timeout: ON_TIMEOUT,
    below: z
      .int()
      .min(1)
      .max(1001)
      .optional()
      .describe('AI agents whose trust score is below this, 0 to 1000.'),
    identities: listOf(z.enum(['tpm', 'software']))
      .optional()
      .describe('How the device proves who it is; one must match.'),
    actions: actionsOf(ACTIONS),
    agents,
    times,
    when: whenOf([]).optional(),
    reason: REASON,
  }),
  ['below', 'identities'],
  'below: 1001 matches every AI agent',
);
export type TrustRule = z.infer<typeof TrustRule>;

export const SpendLimit = complete(
  z.strictObject({
    id: ID,
    effect: effects(['deny', 'prompt'], 'What happens to a call that would go over the limit.').default(
      'deny',
    ),
    on_timeout: ON_TIMEOUT,
    amount: z.number().min(0).max(1e9).describe('Dollars.'),
    per: z
      .enum(['request', 'hour', 'day', 'month'])
      .describe('The period after which counting begins again; request looks at each call alone.'),
    scope: z
      .enum(['organisation', 'team', 'user', 'agent', 'provider', 'model'])
      .describe('What shares one counter.'),
    warn_at: z.number().gt(0).lt(1).optional().describe('Share of the amount at which a warning is due.'),
    providers,
    models,
    agents,
    times,
    when: whenOf(['model.call']).optional(),
    reason: REASON,
  }),
);
export type SpendLimit = z.infer<typeof SpendLimit>;

export const PolicyException = complete(
  z.strictObject({
    id: ID,
    rules: listOf(z.string().min(1).max(130)).describe(
      'Ids of rules of this document that it makes an exception from; network/default and the like too.',
    ),
    effect: effects(['allow', 'prompt'], 'What happens instead; allow unless set.').default('allow'),
    on_timeout: ON_TIMEOUT,
    owner: z.string().min(1).max(200).describe('Who answers for it.'),
    reason: z.string().min(1).max(500).describe('Why. Shown in reports and kept in the ledger.'),
    expires: Instant.describe('When it ends, as in 2027-01-31T00:00:00Z. From then on the rule holds again.'),
    destinations,
    providers,
    models,
    paths,
    commands: names('Executables, by name or, with a slash, by whole path'),
    servers: names('MCP servers'),
    tools: names('Names of tools; case matters'),
    ecosystems: names('Ecosystems, such as npm or pypi'),
    packages: names('Packages'),
    classes: names('Categories of data'),
    detectors: names('Detectors'),
    agents,
    times,
    when: whenOf(ACTIONS).optional(),
  }),
  [
    'destinations',
    'providers',
    'models',
    'paths',
    'commands',
    'servers',
    'tools',
    'ecosystems',
    'packages',
    'classes',
    'detectors',
    'agents',
    'times',
    'when',
  ],
  'an exception is narrower than its rule',
);
export type PolicyException = z.infer<typeof PolicyException>;

/** Adds what all rules have in common: at least one matcher, and a timeout only where somebody is asked. */
function complete<T extends z.ZodObject>(rule: T, matchers: readonly string[] = [], everything = ''): T {
  return rule
    .superRefine(
      (value: unknown, context) => {
        if (!isRecord(value)) return;
        if (matchers.length > 0 && !matchers.some((matcher) => Object.hasOwn(value, matcher))) {
          const message = `a rule says what it matches: add ${matchers.join(', ')}; ${everything}`;
          context.addIssue({ code: 'custom', message });
        }
        if (Object.hasOwn(value, 'on_timeout') && value.effect !== 'prompt') {
          const message = '`on_timeout` only applies to rules with `effect: prompt`';
          context.addIssue({ code: 'custom', message, path: ['on_timeout'], params: { at: 'key' } });
        }
      },
      { when: () => true },
    )
    .meta({
      ...(matchers.length === 0 ? {} : { anyOf: matchers.map((matcher) => ({ required: [matcher] })) }),
      if: { required: ['on_timeout'] },
      // biome-ignore lint/suspicious/noThenProperty: `then` is a JSON Schema keyword
      then: { properties: { effect: { const: 'prompt' } } },
    });
}
