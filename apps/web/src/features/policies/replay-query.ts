import type { PolicyDocuments } from '@raypher/shared/rest';

const DAY_MS = 86_400_000;
/** Events that are looked at: enough for a picture, and answered in about a second. */
const LIMIT = 20_000;

export function replayQuery(documents: PolicyDocuments, days: number, assumeEnforced: boolean) {
  const now = Date.now();
  return {
    documents,
    from: new Date(now - days * DAY_MS).toISOString(),
    to: new Date(now).toISOString(),
    limit: LIMIT,
    assumeEnforced,
  };
}
