'use client';

import type { PolicyRevision } from '@raypher/shared/rest';
import { useEffect, useMemo, useState } from 'react';
import { z } from 'zod';
import { changedOwners, type Draft, toDraft } from './draft.ts';

const Sources = z.record(z.string(), z.string());
const Stored = z.object({ basedOn: z.number().int(), draft: Sources, tests: Sources.default({}) });
type Stored = z.infer<typeof Stored>;

/**
 * The edited documents of this tab, and their tests. They survive a reload, and a revision that somebody else
 * deploys meanwhile: the draft remembers what it was based on, and the server refuses a stale one.
 *
 * @param running the revision in force; undefined while it is fetched
 */
export function usePolicyDraft(organisation: string, running: PolicyRevision | undefined) {
  const name = `raypher-policy-draft:${organisation}`;
  const [stored, setStored] = useState<Stored | undefined>(undefined);
  useEffect(() => setStored(restore(name)), [name]);

  const base = useMemo(() => (running === undefined ? undefined : toDraft(running.documents)), [running]);
  const baseTests = useMemo(() => (running === undefined ? {} : toDraft(running.tests)), [running]);
  const draft: Draft = stored?.draft ?? base ?? {};
  const tests: Draft = stored?.tests ?? baseTests;
  const changed = base === undefined || stored === undefined ? [] : changedOwners(base, stored.draft);
  const changedTests =
    base === undefined || stored === undefined ? [] : changedOwners(baseTests, stored.tests);
  const isEdited = changed.length + changedTests.length > 0;
  const basedOn = isEdited && stored !== undefined ? stored.basedOn : (running?.revision ?? 0);

  const keep = (next: Stored | undefined): void => {
    setStored(next);
    if (next === undefined) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, JSON.stringify(next));
  };
  const change = (next: { draft: Draft; tests: Draft }): void => {
    const isBack =
      base !== undefined &&
      changedOwners(base, next.draft).length === 0 &&
      changedOwners(baseTests, next.tests).length === 0;
    // Back where it started: nothing to remember, and nothing that could become stale.
    keep(isBack ? undefined : { basedOn, ...next });
  };
  return {
    draft,
    base: base ?? {},
    tests,
    changed,
    isEdited,
    basedOn,
    edit: (owner: string, source: string) => change({ draft: { ...draft, [owner]: source }, tests }),
    editTests: (owner: string, source: string) => change({ draft, tests: { ...tests, [owner]: source } }),
    /** Start from other documents, such as those of an older revision, and their tests. */
    replace(next: Draft, nextTests: Draft) {
      keep({ basedOn: running?.revision ?? 0, draft: next, tests: nextTests });
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
