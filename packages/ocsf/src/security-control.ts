import type { LedgerEntry } from '@raypher/shared';
import type { Facts } from './facts.ts';
import { type OcsfObject, present, said } from './ocsf-event.ts';

/** What became of it, in the words of the profile `security_control`. */
interface Disposition {
  action_id: number;
  action: string;
  disposition_id: number;
  disposition: string;
}

const ALLOWED: Disposition = {
  action_id: 1,
  action: 'Allowed',
  disposition_id: 1,
  disposition: 'Allowed',
};
const APPROVED: Disposition = {
  action_id: 1,
  action: 'Allowed',
  disposition_id: 8,
  disposition: 'Approved',
};
const BLOCKED: Disposition = { action_id: 2, action: 'Denied', disposition_id: 2, disposition: 'Blocked' };
const REJECTED: Disposition = {
  action_id: 2,
  action: 'Denied',
  disposition_id: 25,
  disposition: 'Rejected',
};
/** Monitor mode: it would have been denied. */
const DETECTED: Disposition = {
  action_id: 3,
  action: 'Observed',
  disposition_id: 15,
  disposition: 'Detected',
};
/** Something was taken out of it. */
const CORRECTED: Disposition = {
  action_id: 4,
  action: 'Modified',
  disposition_id: 11,
  disposition: 'Corrected',
};
/** A person is asked, and it waits. */
const CHALLENGED: Disposition = {
  action_id: 0,
  action: 'Unknown',
  disposition_id: 23,
  disposition: 'Challenge',
};

/** What became of what the entry is about; nothing where there was no decision. */
export function dispositionOf({ type, verdict }: LedgerEntry, facts: Facts): Disposition | undefined {
  if (type === 'approval.decided') {
    if (facts.is('outcome', 'ALLOW')) return APPROVED;
    return facts.is('outcome', 'DENY') ? REJECTED : undefined;
  }
  if (type === 'dlp.found') {
    if (facts.is('outcome', 'block')) return BLOCKED;
    if (facts.is('outcome', 'redact')) return CORRECTED;
  }
  // What was done counts, whatever the verdict was: a person may have said yes, a limit may have said no.
  if (facts.is('denied', true)) return BLOCKED;
  if (facts.is('wouldBlock', true)) return DETECTED;
  if (verdict === undefined) return undefined;
  switch (verdict.outcome) {
    case 'ALLOW':
      return ALLOWED;
    case 'DENY':
      return verdict.mode === 'enforce' ? BLOCKED : DETECTED;
    case 'PROMPT':
      return facts.is('denied', false) ? APPROVED : CHALLENGED;
  }
}

/** The rule and the revision that decided. */
export function decidedBy(verdict: LedgerEntry['verdict']): OcsfObject {
  if (verdict === undefined) return {};
  const { layer, rule, reason, revision } = verdict;
  return present({
    policy: { name: `${layer} policy`, version: String(revision) },
    firewall_rule: rule === '' ? undefined : present({ name: rule, desc: said(reason) }),
  });
}
