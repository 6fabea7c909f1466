import { X509Certificate } from 'node:crypto';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { OpenedAuthority } from './authority-store.ts';
import { fingerprintOf } from './certificate-authority.ts';

const WHY: Record<NonNullable<OpenedAuthority['made']>, string> = {
  first: 'This machine had no root yet.',
  over: 'The root before ends soon, or has ended.',
  unreadable: 'The root before cannot be opened any more.',
};

/** There is another root that clients of this machine shall trust. */
export function rootEvent(certificate: string, made: NonNullable<OpenedAuthority['made']>): EventDraft {
  const { validToDate } = new X509Certificate(certificate);
  return {
    type: 'interception.root',
    severity: made === 'first' ? 'notice' : 'warning',
    actor: EDGE_AGENT,
    action: 'make a root certificate',
    target: 'interception',
    data: { fingerprint: fingerprintOf(certificate), until: validToDate.toISOString(), reason: WHY[made] },
  };
}
