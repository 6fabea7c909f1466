'use client';

import type { PolicyRevision } from '@raypher/shared/rest';
import { useEffect, useMemo, useState } from 'react';
import { z } from 'zod';
import { changedOwners, type Draft, toDraft } from './draft.ts';

const Stored = z.object({ basedOn: z.number().int(), draft: z.record(z.string(), z.string()) });
type Stored = z.infer<typeof Stored>;

/**
 * The edited documents of this tab. They survive a reload, and a revision that somebody else deploys
 * meanwhile: the draft remembers what it was based on, and the server refuses a stale one.
 *
 * @param running the revision in force; undefined while it is fetched
 */
export function usePolicyDraft(organisation: string, running: PolicyRevision | undefined) {
  const name = `raypher-policy-draft:${organisation}`;
  const [stored, setStored] = useState<Stored | undefined>(undefined);
  useEffect(() => setStored(restore(name)), [name]);

  const base = useMemo(() => (running === undefined ? undefined : toDraft(running.documents)), [running]);
  const draft: Draft = stored?.draft ?? base ?? {};
  const changed = base === undefined || stored === undefined ? [] : changedOwners(base, stored.draft);

  const basedOn = changed.length > 0 && stored !== undefined ? stored.basedOn : (running?.revision ?? 0);

  const keep = (next: Stored | undefined): void => {
    setStored(next);
    if (next === undefined) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(next));
  };
  return {
    draft,
    base: base ?? {},
    changed,
    basedOn,
    edit(owner: string, source: string) {
      const next = { ...draft, [owner]: source };
      // Back where it started: nothing to remember, and nothing that could become stale.
      if (base !== undefined && changedOwners(base, next).length === 0) keep(undefined);
      else keep({ basedOn, draft: next });
    },
    /** Start from other documents, such as those of an older revision. */
    replace(next: Draft) {
      keep({ basedOn: running?.revision ?? 0, draft: next });
    },
    discard: () => keep(undefined),
    /** Take the running revision as the new base; the edited text stays and is compared with it. */
    rebase() {
      if (stored !== undefined) keep({ ...stored, basedOn: running?.revision ?? 0 });
    },
  };
}

export type PolicyDraft = ReturnType<typeof usePolicyDraft>;

function restore(name: string): Stored | undefined {
  try {
    return Stored.safeParse(JSON.parse(sessionStorage.getItem(name) ?? '')).data;
  } catch {
    return undefined;
  }
}
