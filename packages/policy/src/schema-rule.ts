import { z } from 'zod';
import { ACTIONS } from './request.ts';
import { Instant, listOf, Times } from './schema-parts.ts';
import {
  ASKING,
  actionsOf,
  agents,
  complete,
  destinations,
  EFFECT,
  effects,
  ID,
  models,
  names,
  paths,
  providers,
  REASON,
  times,
} from './schema-rule-parts.ts';
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

export const NetworkRule = complete(
  z.strictObject({
    id: ID,
    effect: EFFECT.describe('What happens to a connection that matches. prompt asks a person.'),
    ...ASKING,
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
    ...ASKING,
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
    ...ASKING,
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
    ...ASKING,
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
    ...ASKING,
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
    ...ASKING,
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
    ...ASKING,
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
    ...ASKING,
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
    ...ASKING,
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
