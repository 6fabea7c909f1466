import type { GuardAnswer } from '../guard-answer.ts';
import type { GuardList, Unexpressed } from '../guard-policy.ts';
import type { Confinement } from './confinement.ts';
import { localFiles } from './file-view.ts';
import { machineRules } from './machine-rules.ts';
import { planLandlock } from './plan-landlock.ts';

/**
 * What the policy comes to for a command that is about to start here.
 *
 * @param searched the PATH of the command
 * @returns how to work it out, which takes a while; undefined where nothing is to be enforced
 */
export function confine(
  { policy, filesAreHeld, ownPaths, readablePaths }: GuardAnswer,
  searched: string | undefined,
): (() => Confinement) | undefined {
  if (policy === null) return undefined;
  const enforced = policy.lists.some(({ mode }) => mode === 'enforce');
  if (!enforced && policy.network === 'monitor') return undefined;
  if (filesAreHeld) {
    return () => ({ landlock: null, systemCalls: { refuseExecutableMemory: false }, notHeld: [] });
  }
  const lists = [...policy.lists, machineRules(ownPaths, readablePaths)];
  return () => planned(lists, searched);
}

function planned(lists: readonly GuardList[], searched: string | undefined): Confinement {
  const { handled, rules, refuseExecutableMemory, unexpressed, limits } = planLandlock(
    { lists },
    localFiles(),
    searched,
  );
  return {
    landlock: { handled, rules },
    systemCalls: { refuseExecutableMemory },
    notHeld: [...new Set([...unexpressed.map(inWords), ...limits])],
  };
}

function inWords({ layer, rule, because }: Unexpressed): string {
  return `${layer}/${rule}: ${because}`;
}
