import { compilePolicy } from './compile.ts';
import type { PolicyIssue } from './issue.ts';
import type { LayeredDocument } from './layer.ts';
import { parsePolicy } from './parse.ts';
import { type PolicyTestResult, parsePolicyTests, runPolicyTests } from './policy-test.ts';

/** A document, or the tests of one, as it is kept: text, and whose it is. */
export interface OwnedSource {
  readonly layer: 'global' | 'team';
  readonly team?: string | undefined;
  readonly source: string;
}

type Owner = Pick<OwnedSource, 'layer' | 'team'>;

export interface DocumentTestRun {
  readonly results: readonly (Owner & { readonly result: PolicyTestResult })[];
  /** Mistakes in the sources of tests. */
  readonly issues: readonly (Owner & { readonly issue: PolicyIssue })[];
}

/**
 * Runs tests as devices would meet the documents: those of the global document against it alone, those of a team
 * against the global document and the team's.
 *
 * @param documents that parse; others are left out
 */
export function runDocumentTests(
  documents: readonly OwnedSource[],
  tests: readonly OwnedSource[],
): DocumentTestRun {
  const runs = tests
    .filter(({ source }) => source.trim() !== '')
    .map(({ layer, team, source }): DocumentTestRun => {
      const owner = { layer, ...(team === undefined ? {} : { team }) };
      const parsed = parsePolicyTests(source);
      if (!parsed.ok) return { results: [], issues: parsed.issues.map((issue) => ({ ...owner, issue })) };
      const snapshot = compilePolicy({ revision: 0, layers: documentsFor(documents, team) });
      return {
        results: runPolicyTests(snapshot, parsed.tests).map((result) => ({ ...owner, result })),
        issues: [],
      };
    });
  return { results: runs.flatMap(({ results }) => results), issues: runs.flatMap(({ issues }) => issues) };
}

/** What a device of a team enforces: the global document and, where there is one, its team's. */
export function documentsFor(
  documents: readonly OwnedSource[],
  team: string | null | undefined,
): LayeredDocument[] {
  return documents
    .filter((one) => one.layer === 'global' || one.team === team)
    .flatMap(({ layer, source }) => {
      const parsed = parsePolicy(source, { layer });
      return parsed.ok ? [{ layer, document: parsed.document }] : [];
    });
}
