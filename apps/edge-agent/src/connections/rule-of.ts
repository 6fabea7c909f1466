import type { Verdict } from '@raypher/policy';
import type { LiveConnection } from './live-connections.ts';

/** Whose opinion a verdict is, as the live view names it. */
export function ruleOf({ effective, revision }: Verdict): LiveConnection['rule'] {
  return { layer: effective.layer, id: effective.rule, revision };
}
