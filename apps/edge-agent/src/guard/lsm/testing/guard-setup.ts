import type { GuardPolicy } from '../../guard-policy.ts';
import { LsmBackEnd, type LsmBackEndOptions } from '../lsm-back-end.ts';

/** What an agent of the suite's puts in force. */
export interface GuardSetup {
  readonly options: LsmBackEndOptions;
  readonly groups: readonly { readonly group: string; readonly policy: GuardPolicy }[];
}

export function openBackEnd({ options }: GuardSetup): LsmBackEnd {
  return new LsmBackEnd(options);
}
