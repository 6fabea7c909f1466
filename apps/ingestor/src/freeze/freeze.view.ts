import { describeSelector, FreezeSelector } from '@raypher/shared';
import type { Freeze } from '@raypher/shared/rest';

export interface FreezeRow {
  id: string;
  selector: unknown;
  reason: string;
  createdBy: string;
  createdAt: Date;
  thawedBy: string | null;
  thawedAt: Date | null;
  thawReason: string | null;
  rolloutId: string | null;
}

export function showFreeze(row: FreezeRow, teamNames: ReadonlyMap<string, string>): Freeze {
  const selector = FreezeSelector.parse(row.selector);
  return {
    id: row.id,
    selector,
    describes: describeFor(selector, teamNames),
    reason: row.reason,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    thawedBy: row.thawedBy,
    thawedAt: row.thawedAt?.toISOString() ?? null,
    thawReason: row.thawReason,
    rolloutId: row.rolloutId,
  };
}

/** For people: team ids become names. */
export function describeFor(selector: FreezeSelector, teamNames: ReadonlyMap<string, string>): string {
  if (selector.kind !== 'team') return describeSelector(selector);
  return `team ${teamNames.get(selector.team) ?? selector.team}`;
}
