import type { GuardDenial, GuardPolicy, Unexpressed } from '../guard-policy.ts';

/** From the service to the helper, one JSON object a line. Without a policy: forget the group. */
export interface HelperOrder {
  readonly order: number;
  readonly group: string;
  readonly policy?: GuardPolicy;
}

/** From the helper to the service, one JSON object a line. */
export type HelperNews =
  | { readonly news: 'ready' }
  | { readonly news: 'failed'; readonly because: string }
  | { readonly news: 'done'; readonly order: number; readonly unexpressed: readonly Unexpressed[] }
  | { readonly news: 'denied'; readonly denial: Omit<GuardDenial, 'at'> & { readonly at: string } }
  | { readonly news: 'lost'; readonly count: number };
