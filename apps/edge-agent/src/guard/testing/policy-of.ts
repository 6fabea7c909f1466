import { FILE_OPERATIONS, type GuardPolicy, type GuardRule, type GuardVerdict } from '../guard-policy.ts';

type Rule = Partial<Omit<GuardRule, 'reason'>>;

/** A policy of one layer, for tests: what no rule is about has the one default. */
export function policyOf(
  rules: readonly Rule[],
  { mode = 'enforce', fallback = 'allow' }: { mode?: 'enforce' | 'monitor'; fallback?: GuardVerdict } = {},
): GuardPolicy {
  return {
    digest: JSON.stringify([rules, mode, fallback]),
    revision: 1,
    network: 'monitor',
    lists: [
      {
        layer: 'global',
        section: 'operational',
        mode,
        defaults: Object.fromEntries(FILE_OPERATIONS.map((operation) => [operation, fallback])),
        rules: rules.map(({ id = 'rule', verdict = 'deny', operations, paths, programs }) => ({
          id,
          verdict,
          operations: operations ?? (programs === undefined ? ['read', 'write', 'delete'] : ['execute']),
          paths,
          programs,
          reason: 'A test.',
        })),
      },
    ],
  };
}
