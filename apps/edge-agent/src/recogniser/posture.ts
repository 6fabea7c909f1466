import type { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import type { Finding } from '../service/posture-board.ts';
import type { Names } from './names.ts';
import type { OpenedRecogniser } from './open-recogniser.ts';

/** Has a name found in a text that holds one, and says whether anything comes of it. */
export async function recogniserPosture(
  { source, fault }: OpenedRecogniser,
  names: Names | undefined,
  policy: Pick<PolicyEnforcer, 'asksAbout' | 'mode'>,
): Promise<Finding> {
  const reason = await fault();
  if (reason !== undefined || source === undefined || names === undefined)
    return { state: 'unavailable', reason: reason ?? 'nobody looks for names' };
  const works = `${source.recogniser.name}: a name in a text was found`;
  if (!names.isAskedFor(policy))
    return { state: 'observing', reason: `${works}; no rule names what it finds`, byPolicy: true };
  return policy.mode === 'enforce'
    ? { state: 'enforced', reason: `${works}, and rules name what it finds` }
    : { state: 'observing', reason: `${works}, but the policy in force only records`, byPolicy: true };
}
