import type { PolicyDocument } from './schema.ts';

/** The layers of a policy, highest authority first. A lower layer can only tighten. */
export const POLICY_LAYERS = ['global', 'team', 'local'] as const;
export type PolicyLayer = (typeof POLICY_LAYERS)[number];

/** One document and the layer it speaks for. */
export interface LayeredDocument {
  readonly layer: PolicyLayer;
  readonly document: PolicyDocument;
}
