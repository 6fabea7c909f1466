import { canonicalBytes, sha256Hex } from '@raypher/ledger';
import { type CompiledRouting, compileRouting } from './compile-routing.ts';
import { type CompiledSection, compileSections, type SectionPlan } from './compile-section.ts';
import { compileDlpSettings, type DlpSettings } from './dlp-settings.ts';
import { compileExceptions } from './exception.ts';
import { type LayeredDocument, POLICY_LAYERS, type PolicyLayer } from './layer.ts';
import { type CompiledLimits, compileLimits } from './limit.ts';
import { ACTIONS, type Action } from './request.ts';
import type { PolicyDocument, PolicyMode } from './schema.ts';
import type { When } from './schema-when.ts';

export interface CompiledLayer {
  readonly layer: PolicyLayer;
  readonly mode: PolicyMode;
  /** A section that is absent has no opinion on its actions. */
  readonly sections: readonly CompiledSection[];
  readonly financial: CompiledLimits | undefined;
  readonly routing: CompiledRouting | undefined;
}

/** A whole policy, ready to decide: immutable, shares nothing with the documents it came from. */
export interface PolicySnapshot {
  readonly revision: number;
  /** Of the signed bundle when the caller gave one, so that enforcers can report what they enforce. */
  readonly digest: string;
  /** Highest authority first. */
  readonly layers: readonly CompiledLayer[];
  /** `enforce` when any layer enforces, and when there is no layer: built-in verdicts fail closed. */
  readonly strictestMode: PolicyMode;
  /** Whether a rule, limit or exception asks for the address: without one, a denial does not wait for it. */
  readonly asksForAddress: boolean;
  /** The sections that speak about each action, highest layer first. */
  readonly plans: Readonly<Record<Action, readonly SectionPlan[]>>;
  /** What documents bring for the scanner. */
  readonly dlp: DlpSettings;
}

export interface PolicySources {
  readonly revision: number;
  /** SHA-256 hex; without it, that of the RFC 8785 form of the revision and the documents. */
  readonly digest?: string;
  /** In any order; at most one document of each layer. None at all denies everything. */
  readonly layers: readonly LayeredDocument[];
}

/**
 * Turns parsed documents into the form that decisions are made from. All work that depends on the policy
 * alone is done here, none of it per request.
 *
 * @throws TypeError when a layer occurs twice or a document did not come from `parsePolicy`.
 */
export function compilePolicy(sources: PolicySources): PolicySnapshot {
  const byLayer = new Map<PolicyLayer, LayeredDocument>();
  for (const source of sources.layers) {
    if (byLayer.has(source.layer)) throw new TypeError(`layer "${source.layer}" has more than one document`);
    byLayer.set(source.layer, source);
  }
  const ordered = POLICY_LAYERS.map((layer) => byLayer.get(layer)).filter((source) => source !== undefined);
  const isMonitorOnly = ordered.length > 0 && ordered.every(({ document }) => document.mode === 'monitor');
  const layers = Object.freeze(ordered.map(compileLayer));
  return Object.freeze({
    revision: sources.revision,
    digest: sources.digest ?? documentsDigest(sources.revision, ordered),
    layers,
    strictestMode: isMonitorOnly ? 'monitor' : 'enforce',
    asksForAddress: ordered.some(({ document }) => conditionsOf(document).some((when) => when?.address)),
    plans: planActions(layers),
    dlp: compileDlpSettings(ordered),
  });
}

function conditionsOf(document: PolicyDocument): (When | undefined)[] {
  const { network, temporal, trust, financial, exceptions } = document;
  const rules = [network?.rules, temporal?.rules, trust?.rules, financial?.limits, exceptions];
  return rules.flatMap((list) => (list ?? []).map(({ when }) => when));
}

function compileLayer(source: LayeredDocument): CompiledLayer {
  const { layer, document } = source;
  const { mode, timezone = 'UTC', financial } = document;
  const context = { layer, mode, timezone, exceptions: compileExceptions(source, timezone) };
  const limits = financial && compileLimits(financial.limits, context);
  return Object.freeze({
    layer,
    mode,
    sections: Object.freeze(compileSections(document, context)),
    financial: limits,
    routing: compileRouting(source, timezone, limits),
  });
}

function planActions(layers: readonly CompiledLayer[]): Readonly<Record<Action, readonly SectionPlan[]>> {
  const plansOf = (action: Action) =>
    layers.flatMap(({ sections }) => sections.flatMap(({ plans }) => plans.get(action) ?? []));
  const entries = ACTIONS.map((action) => [action, Object.freeze(plansOf(action))] as const);
  // One entry for each action: the record is whole.
  return Object.freeze(Object.fromEntries(entries)) as Record<Action, readonly SectionPlan[]>;
}

function documentsDigest(revision: number, layers: readonly LayeredDocument[]): string {
  const documents = layers.map(({ layer, document }) => ({ layer, document }));
  return sha256Hex(canonicalBytes({ revision, documents }));
}
