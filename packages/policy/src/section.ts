import { ACTIONS, type Action } from './request.ts';
import type { PolicyDocument, SectionName } from './schema.ts';
import { DATA_ACTIONS, NETWORK_ACTIONS, OPERATIONAL_ACTIONS } from './schema-rule.ts';

export type RuleSection = Exclude<SectionName, 'financial' | 'routing'>;
type Sections = { [Name in RuleSection]-?: NonNullable<PolicyDocument[Name]> };

/** A rule of any section. */
export type SectionRule = Sections[RuleSection]['rules'][number];

/** What each section of a document governs. */
export const SECTION_ACTIONS: Record<RuleSection, readonly Action[]> = {
  network: NETWORK_ACTIONS,
  operational: OPERATIONAL_ACTIONS,
  temporal: ACTIONS,
  dlp: DATA_ACTIONS,
  trust: ACTIONS,
  supply_chain: ['package.install'],
  tools: ['tool.call'],
};

export const RULE_SECTIONS: readonly RuleSection[] = [
  'network',
  'operational',
  'tools',
  'supply_chain',
  'dlp',
  'temporal',
  'trust',
];

/** The actions of a rule: those it names, or of a direction, or all that its section governs. */
export function actionsOf(section: RuleSection, rule: SectionRule): readonly Action[] {
  if ('actions' in rule && rule.actions !== undefined) return rule.actions;
  if ('direction' in rule && rule.direction !== 'both') return [`data.${rule.direction}`];
  return SECTION_ACTIONS[section];
}
