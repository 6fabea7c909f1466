import type { GuardPolicy } from '../../guard-policy.ts';
import { LsmBackEnd, type LsmBackEndOptions } from '../lsm-back-end.ts';

/** Options that also fit into a file. */
export type PlainOptions = Omit<LsmBackEndOptions, 'objectFile' | 'proxyPorts' | 'isRedirected'> & {
  readonly objectFile: string;
  readonly proxyPorts: readonly number[];
};

/** What an agent of the suite's puts in force. */
export interface GuardSetup {
  readonly options: PlainOptions;
  readonly groups: readonly { readonly group: string; readonly policy: GuardPolicy }[];
}

export function openBackEnd({ options }: GuardSetup): LsmBackEnd {
  const { objectFile, proxyPorts } = options;
  return new LsmBackEnd({ ...options, objectFile: () => objectFile, proxyPorts: () => proxyPorts });
}
