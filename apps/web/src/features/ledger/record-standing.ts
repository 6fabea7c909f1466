import type { LedgerStatus } from '@raypher/shared/rest';

/** What an audit has said of the record; nothing is called intact that nobody looked at. */
export type RecordStanding = 'intact' | 'corrupted' | 'unaudited';

export const STANDINGS: Record<RecordStanding, { name: string; tone: string }> = {
  intact: { name: 'Intact', tone: 'text-allowed' },
  corrupted: { name: 'Corrupted', tone: 'text-denied' },
  unaudited: { name: 'Not audited', tone: 'text-ink-2' },
};

export function recordStanding({ state, audit }: Pick<LedgerStatus, 'state' | 'audit'>): RecordStanding {
  if (state === 'CORRUPTED') return 'corrupted';
  return audit.at === null ? 'unaudited' : 'intact';
}
