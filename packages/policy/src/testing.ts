import { compilePolicy, type PolicySnapshot } from './compile.ts';
import type { LayeredDocument, PolicyLayer } from './layer.ts';
import { parsePolicy } from './parse.ts';

/** A document from YAML without its first two lines, through the real parser. For tests. */
export function layerOf(body: string, layer: PolicyLayer = 'global', mode = 'enforce'): LayeredDocument {
  const parsed = parsePolicy(`apiVersion: raypher/v1\nmode: ${mode}\n${body}`, { layer });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues, null, 2));
  return parsed;
}

export function snapshotOf(...layers: readonly (LayeredDocument | string)[]): PolicySnapshot {
  return compilePolicy({
    revision: 1,
    layers: layers.map((one) => (typeof one === 'string' ? layerOf(one) : one)),
  });
}
