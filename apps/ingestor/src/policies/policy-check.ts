import { MAX_SYNTAX, parsePolicy, syntaxOf } from '@raypher/policy';
import { RaypherError } from '@raypher/shared';
import type { CheckedPolicy, PolicyDocuments } from '@raypher/shared/rest';

type Issue = CheckedPolicy['issues'][number];

/** Checks every document as devices will; issues carry line and column. */
export function checkPolicy(documents: PolicyDocuments): CheckedPolicy {
  // Parsed one after the other, they keep this process from everything else.
  const syntax = documents.reduce((sum, { source }) => sum + syntaxOf(source), 0);
  if (syntax > 2 * MAX_SYNTAX) {
    throw new RaypherError('request/too-large', 'These documents are too much to be checked together.', {
      hint: 'Check them one by one.',
    });
  }
  const issues = documents.flatMap(({ layer, team, source }): Issue[] => {
    const parsed = parsePolicy(source, { layer });
    return parsed.ok
      ? []
      : parsed.issues.map((issue) => ({ layer, ...(team === undefined ? {} : { team }), ...issue }));
  });
  return { ok: issues.length === 0, issues };
}

/**
 * A set of documents that can be deployed: one global document, at most one for each team, each correct.
 *
 * @throws RaypherError `request/invalid` for a wrong set, `policy/syntax` or `policy/schema` for a wrong document.
 */
export function requireDeployable(documents: PolicyDocuments): void {
  const globals = documents.filter((document) => document.layer === 'global');
  if (globals.length !== 1) {
    throw new RaypherError(
      'request/invalid',
      `A policy has exactly one global document, not ${globals.length}.`,
    );
  }
  const teams = documents.filter((document) => document.layer === 'team').map((document) => document.team);
  if (teams.includes(undefined) || globals[0]?.team !== undefined) {
    throw new RaypherError('request/invalid', 'Team documents name their team, the global one does not.');
  }
  if (new Set(teams).size !== teams.length) {
    throw new RaypherError('request/invalid', 'A team has at most one document.');
  }
  const { issues } = checkPolicy(documents);
  const [first] = issues;
  if (first === undefined) return;
  throw new RaypherError(
    first.code === 'policy/syntax' ? 'policy/syntax' : 'policy/schema',
    `Line ${first.line}, column ${first.column}: ${first.message}`,
    { hint: 'The running policy is unchanged.', details: { issues } },
  );
}
