import { parsePolicy } from '@raypher/policy';
import { type Overview, PolicyDocuments } from '@raypher/shared/rest';

/** Whether the running documents enforce, monitor, or some of each. */
export function policyMode(documents: unknown): Overview['policy']['mode'] {
  const modes = new Set<'enforce' | 'monitor'>();
  for (const { layer, source } of PolicyDocuments.parse(documents)) {
    const parsed = parsePolicy(source, { layer });
    if (parsed.ok) modes.add(parsed.document.mode);
  }
  const [only] = modes;
  if (only === undefined) return 'none';
  return modes.size === 1 ? only : 'mixed';
}
