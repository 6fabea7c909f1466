import { X509Certificate } from 'node:crypto';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { OpenedAuthority } from './authority-store.ts';

const WHY: Record<NonNullable<OpenedAuthority['made']>, string> = {
  first: 'This machine had no root yet.',
  over: 'The root before ends soon, or has ended.',
  unreadable: 'The root before cannot be opened any more.',
};

/** There is another root that clients of this machine shall trust. */
export function rootEvent(
  { authority }: Pick<OpenedAuthority, 'authority'>,
  made: NonNullable<OpenedAuthority['made']>,
): EventDraft {
  const { validToDate } = new X509Certificate(authority.certificate);
  return {
    type: 'interception.root',
    severity: made === 'first' ? 'notice' : 'warning',
    actor: EDGE_AGENT,
    action: 'make a root certificate',
    target: 'interception',
    data: { fingerprint: authority.fingerprint, until: validToDate.toISOString(), reason: WHY[made] },
  };
}
