import type { PolicyDocuments } from '@raypher/shared/rest';

/** Sources by owner: `global`, or a team's id. */
export type Draft = Readonly<Record<string, string>>;

export const GLOBAL = 'global';

export function toDraft(documents: PolicyDocuments): Draft {
  return Object.fromEntries(
    documents.map((one) => [one.layer === 'team' ? (one.team ?? '') : GLOBAL, one.source]),
  );
}

/** The documents of a draft; one that was emptied is left out. */
export function toDocuments(draft: Draft): PolicyDocuments {
  return Object.entries(draft)
    .filter(([, source]) => source.trim() !== '')
    .map(([owner, source]) =>
      owner === GLOBAL ? { layer: 'global', source } : { layer: 'team', team: owner, source },
    );
}

/** Owners whose source differs between two drafts; an absent source equals an empty one. */
export function changedOwners(before: Draft, after: Draft): string[] {
  const owners = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...owners].filter((owner) => (before[owner] ?? '').trim() !== (after[owner] ?? '').trim());
}
