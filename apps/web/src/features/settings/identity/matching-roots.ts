import type { TpmRoot } from '@raypher/shared/rest';

export const ROOT_FILTERS = ['in-use', 'own', 'distrusted'] as const;
export type RootFilter = (typeof ROOT_FILTERS)[number];

/** Roots whose maker, name or fingerprint holds every word, in the order they came. */
export function matchingRoots(
  roots: readonly TpmRoot[],
  search: string,
  filter: RootFilter | undefined,
): TpmRoot[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return roots.filter((root) => {
    const text = `${root.manufacturer} ${root.subject} ${root.fingerprint} ${root.kind}`.toLowerCase();
    return isIn(root, filter) && words.every((word) => text.includes(word));
  });
}

function isIn(root: TpmRoot, filter: RootFilter | undefined): boolean {
  switch (filter) {
    case undefined:
      return true;
    case 'in-use':
      return root.devices > 0;
    case 'own':
      return root.origin === 'organisation';
    case 'distrusted':
      return !root.trusted;
  }
}
