import { canonicalBytes, sha256Hex } from '@raypher/ledger';
import { type CompiledNetwork, compileNetwork } from './compile-network.ts';
import { type LayeredDocument, POLICY_LAYERS, type PolicyLayer } from './layer.ts';
import type { PolicyMode } from './schema.ts';

export interface CompiledLayer {
  readonly layer: PolicyLayer;
  readonly mode: PolicyMode;
  /** Absent: the document has no opinion on network actions. */
  readonly network: CompiledNetwork | undefined;
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
  return Object.freeze({
    revision: sources.revision,
    digest: sources.digest ?? documentsDigest(sources.revision, ordered),
    layers: Object.freeze(ordered.map(compileLayer)),
    strictestMode: isMonitorOnly ? 'monitor' : 'enforce',
  });
}

function compileLayer({ layer, document }: LayeredDocument): CompiledLayer {
  const { mode, network } = document;
  return Object.freeze({ layer, mode, network: network && compileNetwork(layer, mode, network) });
}

function documentsDigest(revision: number, layers: readonly LayeredDocument[]): string {
  const documents = layers.map(({ layer, document }) => ({ layer, document }));
  return sha256Hex(canonicalBytes({ revision, documents }));
}
