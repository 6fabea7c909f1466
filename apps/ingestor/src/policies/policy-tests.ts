import {
  compilePolicy,
  type LayeredDocument,
  parsePolicy,
  parsePolicyTests,
  runPolicyTests,
} from '@raypher/policy';
import { RaypherError } from '@raypher/shared';
import type { CheckedPolicy, PolicyDocuments, PolicyTestFailure } from '@raypher/shared/rest';

/** Failures that are told, at most; more of them help nobody. */
const MAX_FAILURES = 50;

export interface TestRun {
  /** How many tests were run. */
  ran: number;
  failures: PolicyTestFailure[];
  /** Mistakes in the sources of tests. */
  issues: CheckedPolicy['issues'];
}

/**
 * Runs tests as devices would meet the documents: those of the global document against it alone, those of a team
 * against the global document and the team's.
 *
 * @param documents that parse
 */
export function runTests(documents: PolicyDocuments, tests: PolicyDocuments): TestRun {
  const result: TestRun = { ran: 0, failures: [], issues: [] };
  for (const { layer, team, source } of tests) {
    if (source.trim() === '') continue;
    const whose = { layer, ...(team === undefined ? {} : { team }) };
    const parsed = parsePolicyTests(source);
    if (!parsed.ok) {
      result.issues.push(...parsed.issues.map((issue) => ({ ...whose, ...issue })));
      continue;
    }
    const snapshot = compilePolicy({ revision: 0, layers: layersFor(documents, team) });
    const results = runPolicyTests(snapshot, parsed.tests);
    result.ran += results.length;
    for (const { passed, name, differences, why } of results) {
      if (!passed) {
        result.failures.push({
          ...whose,
          name,
          differences: differences.map((one) => ({ ...one })),
          why: [...why],
        });
      }
    }
  }
  return result;
}

/**
 * @returns how many tests were run.
 * @throws RaypherError `policy/tests-failed`, unless it is overridden; `policy/schema` where tests cannot be read,
 * which nothing overrides.
 */
export function requireTestsPass(
  documents: PolicyDocuments,
  tests: PolicyDocuments,
  isOverridden: boolean,
): TestRun {
  const whose = tests.map(({ layer, team }) => (layer === 'global' ? 'global' : team));
  if (whose.includes(undefined) || new Set(whose).size !== whose.length) {
    throw new RaypherError(
      'request/invalid',
      'Each document has at most one source of tests; those of a team name it.',
    );
  }
  const run = runTests(documents, tests);
  const [issue] = run.issues;
  if (issue !== undefined) {
    throw new RaypherError(
      'policy/schema',
      `Tests of the ${issue.layer} policy, line ${issue.line}, column ${issue.column}: ${issue.message}`,
      { hint: 'The running policy is unchanged.', details: { issues: run.issues } },
    );
  }
  const [failure] = run.failures;
  if (failure !== undefined && !isOverridden) {
    const count = run.failures.length;
    throw new RaypherError(
      'policy/tests-failed',
      `${count} of ${run.ran} tests ${count === 1 ? 'fails' : 'fail'}, first “${failure.name}”. The running policy is unchanged.`,
      {
        hint: 'Correct the policy or its tests, or say in "overrideTests" why it is deployed all the same.',
        details: { failures: run.failures.slice(0, MAX_FAILURES) },
      },
    );
  }
  return run;
}

/** What a device of a team enforces: the global document and, where there is one, its team's. */
export function layersFor(documents: PolicyDocuments, team: string | null | undefined): LayeredDocument[] {
  return documents
    .filter((one) => one.layer === 'global' || one.team === team)
    .flatMap(({ layer, source }) => {
      const parsed = parsePolicy(source, { layer });
      return parsed.ok ? [{ layer, document: parsed.document }] : [];
    });
}
