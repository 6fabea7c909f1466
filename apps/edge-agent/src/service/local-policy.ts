import { existsSync, readFileSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import { asRaypherError } from '../uplink/desired-state.ts';

/**
 * Follows this machine's own policy file. Each change is put in force without a restart; a bad document is
 * reported with line and column and the last good one stays in force.
 *
 * The folder is watched, not the file: editors replace files.
 *
 * @returns how to stop, and how to look now
 */
export function followLocalPolicy(
  path: string,
  enforcer: PolicyEnforcer,
  outcome: { applied: () => void; refused: (error: unknown) => void },
): { stop: () => void; reload: () => void } {
  let seen: string | undefined;
  const reload = (): void => {
    try {
      const source = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
      if (source === seen) return;
      seen = source;
      enforcer.setLocal(source);
      outcome.applied();
    } catch (error) {
      outcome.refused(error);
    }
  };
  reload();
  const watcher = watch(dirname(path), (_kind, name) => {
    if (name === null || name === basename(path)) reload();
  });
  return { stop: () => watcher.close(), reload };
}

/** What the ledger says about a file that was not taken. */
export function localPolicyRefused(file: string, error: unknown): EventDraft {
  const { code, message } = asRaypherError(error);
  return {
    type: 'policy.refused',
    severity: 'warning',
    actor: EDGE_AGENT,
    action: 'apply local policy',
    target: file,
    data: { code, reason: message },
  };
}
