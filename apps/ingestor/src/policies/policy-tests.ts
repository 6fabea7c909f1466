import { runDocumentTests } from '@raypher/policy';
import { RaypherError } from '@raypher/shared';
import type { PolicyDocuments, PolicyTestFailure } from '@raypher/shared/rest';

/** Failures that are told, at most; more of them help nobody. */
const MAX_FAILURES = 50;

/**
 * @returns the failures that were overridden.
 * @throws RaypherError `policy/tests-failed`, unless it is overridden; `policy/schema` where tests cannot be read,
 * which nothing overrides.
 */
export function requireTestsPass(
  documents: PolicyDocuments,
  tests: PolicyDocuments,
  isOverridden: boolean,
): PolicyTestFailure[] {
  const owners = tests.map(({ layer, team }) => (layer === 'global' ? 'global' : team));
  if (owners.includes(undefined) || new Set(owners).size !== owners.length) {
    throw new RaypherError(
      'request/invalid',
      'Each document has at most one source of tests; those of a team name it.',
    );
  }
  const { results, issues } = runDocumentTests(documents, tests);
  const [first] = issues;
  if (first !== undefined) {
    const { layer, issue } = first;
    throw new RaypherError(
      'policy/schema',
      `Tests of the ${layer} policy, line ${issue.line}, column ${issue.column}: ${issue.message}`,
      {
        hint: 'The running policy is unchanged.',
        details: { issues: issues.map(({ issue: one, ...owner }) => ({ ...owner, ...one })) },
      },
    );
  }
  const failures = results
    .filter(({ result }) => !result.passed)
    .map(({ result, ...owner }): PolicyTestFailure => {
      const { name, differences, why } = result;
      return { ...owner, name, differences: differences.map((one) => ({ ...one })), why: [...why] };
    });
  const [failure] = failures;
  if (failure !== undefined && !isOverridden) {
    const count = failures.length;
    throw new RaypherError(
      'policy/tests-failed',
      `${count} of ${results.length} tests ${count === 1 ? 'fails' : 'fail'}, first “${failure.name}”. The running policy is unchanged.`,
      {
        hint: 'Correct the policy or its tests, or say in "overrideTests" why it is deployed all the same.',
        details: { failures: failures.slice(0, MAX_FAILURES) },
      },
    );
  }
  return failures;
}
