import type { IdentityEvent } from '@raypher/shared/rest';

/** What made this identity a suspected clone, since a person last resumed it; newest first, at most three. */
export function cloneEvidence(history: readonly IdentityEvent[]): IdentityEvent[] {
  const resumed = history.findIndex(({ kind }) => kind === 'resumed');
  const since = resumed === -1 ? history : history.slice(0, resumed);
  return since.filter(({ kind }) => kind === 'cloned').slice(0, 3);
}
