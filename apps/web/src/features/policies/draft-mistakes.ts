import { parsePolicy, parsePolicyTests } from '@raypher/policy';
import { plural } from '../../lib/format/format.ts';
import { type Draft, GLOBAL } from './draft.ts';

/** Why a draft cannot be deployed as it is; undefined when all of its documents and tests can be read. */
export function draftMistakes(draft: Draft, tests: Draft): string | undefined {
  const inPolicies = Object.entries(draft).flatMap(([owner, source]) => {
    if (source.trim() === '') return [];
    const parsed = parsePolicy(source, { layer: owner === GLOBAL ? 'global' : 'team' });
    return parsed.ok ? [] : parsed.issues;
  });
  if (inPolicies.length > 0) return sentence(inPolicies.length, 'policy');
  const inTests = Object.values(tests).flatMap((source) => {
    if (source.trim() === '') return [];
    const parsed = parsePolicyTests(source);
    return parsed.ok ? [] : parsed.issues;
  });
  return inTests.length === 0 ? undefined : sentence(inTests.length, 'tests');
}

function sentence(count: number, where: 'policy' | 'tests'): string {
  return `The ${where} ${where === 'tests' ? 'have' : 'has'} ${plural(count, 'mistake')}. Correct ${count === 1 ? 'it' : 'them'} first.`;
}
