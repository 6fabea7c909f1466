import { z } from 'zod';
import { ONLY_WHERE_ASKED, OWN_DETECTORS, UNSCANNABLE_EFFECTS } from './schema-dlp.ts';
import { isRecord, ZoneName } from './schema-parts.ts';
import { refuseBadBudgets, refuseBadReferences, refuseRepeatedIds } from './schema-references.ts';
import { RoutingSection } from './schema-routing.ts';
import {
  DLP_EFFECTS,
  DlpRule,
  NetworkRule,
  OperationalRule,
  PolicyException,
  SpendLimit,
  SupplyChainRule,
  TemporalRule,
  ToolRule,
  TrustRule,
} from './schema-rule.ts';

/** What a document may hold: bounds that keep compiling and deciding fast, far above any real policy. */
const MAX_RULES = 10_000;
const MAX_EXCEPTIONS = 1_000;

export type { DowngradeRule } from './schema-routing.ts';
export type { NetworkRule, PolicyException, SpendLimit } from './schema-rule.ts';

export const PolicyMode = z.enum(['monitor', 'enforce']);
export type PolicyMode = z.infer<typeof PolicyMode>;

const ORDER = 'Tried in order; the first rule that matches decides for this document.';
const DEFAULT = z
  .enum(['allow', 'deny'])
  .default('deny')
  .describe('What happens when no rule matches; deny unless set.');

function rulesOf<T extends z.ZodType>(rule: T) {
  return z.array(rule).max(MAX_RULES).default([]).describe(ORDER);
}

export const NetworkSection = z
  .strictObject({ default: DEFAULT, rules: rulesOf(NetworkRule) })
  .describe('Connections of AI agents, whether to models or to anything else.');
export type NetworkSection = z.infer<typeof NetworkSection>;

const OperationalSection = z
  .strictObject({ default: DEFAULT, rules: rulesOf(OperationalRule) })
  .describe('Files, processes and devices that AI agents use.');

const ToolsSection = z
  .strictObject({ default: DEFAULT, rules: rulesOf(ToolRule) })
  .describe('Tools that AI agents call, of MCP servers and their own.');

const SupplyChainSection = z
  .strictObject({ default: DEFAULT, rules: rulesOf(SupplyChainRule) })
  .describe('Packages that AI agents install.');

const DlpSection = z
  .strictObject({
    default: z
      .enum(DLP_EFFECTS)
      .exclude(['prompt'])
      .default('block')
      .describe(
        'What happens to data that was found and that no rule matches; block unless set. What a recogniser of names guessed is at most recorded.',
      ),
    rules: rulesOf(DlpRule).describe(
      'Tried in order for each piece of data that was found; the first rule that matches decides for it.',
    ),
    on_unscannable: z
      .enum(UNSCANNABLE_EFFECTS)
      .default('block')
      .describe(
        'What happens to data that could not be scanned and that no rule matches that is about something else; block unless set.',
      ),
    reversible: z
      .boolean()
      .optional()
      .describe(
        'Whether the device may bring redacted data back into answers; it may not unless a layer says true and none false.',
      ),
    ...ONLY_WHERE_ASKED,
    ...OWN_DETECTORS,
  })
  .describe('Data that leaves the device or comes back from models.');

const TemporalSection = z
  .strictObject({ rules: rulesOf(TemporalRule) })
  .describe('When AI agents may act, whatever they do. No opinion where no rule matches.');

const TrustSection = z
  .strictObject({ rules: rulesOf(TrustRule) })
  .describe('What AI agents may do by how far they are trusted. No opinion where no rule matches.');

const FinancialSection = z
  .strictObject({
    limits: z.array(SpendLimit).max(MAX_RULES).default([]).describe('All that match hold at the same time.'),
  })
  .describe('What AI agents may spend on models.');

/** Sections that do something. A document without any would silently do nothing. */
export const SECTIONS = [
  'network',
  'operational',
  'financial',
  'temporal',
  'dlp',
  'trust',
  'supply_chain',
  'tools',
  'routing',
] as const;
export type SectionName = (typeof SECTIONS)[number];

/** A policy document as its author writes it. A section that is absent has no opinion on its actions. */
export const PolicyDocument = z
  .strictObject({
    apiVersion: z.literal('raypher/v1').describe('The version of this format.'),
    description: z.string().max(2000).optional().describe('For people who read this document.'),
    mode: PolicyMode.describe('monitor records what would have been blocked; enforce blocks it.'),
    timezone: ZoneName.optional().describe('Time zone of all windows of this document; UTC unless set.'),
    network: NetworkSection.optional(),
    operational: OperationalSection.optional(),
    financial: FinancialSection.optional(),
    temporal: TemporalSection.optional(),
    dlp: DlpSection.optional(),
    trust: TrustSection.optional(),
    supply_chain: SupplyChainSection.optional(),
    tools: ToolsSection.optional(),
    routing: RoutingSection.optional(),
    exceptions: z
      .array(PolicyException)
      .max(MAX_EXCEPTIONS)
      .optional()
      .describe('Narrow permissions inside bans of this document, with an owner and an end.'),
  })
  .superRefine(
    (document, context) => {
      if (!isRecord(document)) return;
      if (!SECTIONS.some((section) => Object.hasOwn(document, section))) {
        const message = `this document governs nothing: add a section, such as \`network\``;
        context.addIssue({ code: 'custom', message });
      }
      refuseRepeatedIds(document, context);
      refuseBadReferences(document, context);
      refuseBadBudgets(document, context);
    },
    { when: () => true },
  )
  .meta({ title: 'Raypher policy', anyOf: SECTIONS.map((section) => ({ required: [section] })) });
export type PolicyDocument = z.infer<typeof PolicyDocument>;

/** The published JSON Schema (2020-12) of a document before defaults are filled in, for editors. */
export function policyJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(PolicyDocument, { io: 'input' });
}
