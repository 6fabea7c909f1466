import type { LedgerEntry } from '@raypher/shared';
import type { EventRow } from './ledger.repository.ts';
import { plainText } from './plain-text.ts';

/** What one device spent on one day for one AI agent, user, provider and model. Money in micro-dollars. */
export interface SpendRow {
  readonly organisationId: string;
  readonly deviceId: string;
  /** Of UTC, YYYY-MM-DD. */
  readonly day: string;
  readonly agentId: string;
  agentName: string;
  readonly userName: string;
  readonly provider: string;
  readonly model: string;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  exactMicros: number;
  estimatedMicros: number;
  /** Calls of which nobody knows what they cost. */
  unknownCalls: number;
}

type Data = LedgerEntry['data'];

const DAY_MS = 86_400_000;
/** A device that was away reports late; what is older, or yet to come, has a wrong clock. */
const LATE_MS = 40 * DAY_MS;
const EARLY_MS = 3_600_000;
/** A billion dollars, or so many tokens: no call is larger. */
const MOST = 1e15;

/** A call of a model that somebody may be charged for; whether its cost is known is another matter. */
export function isModelCall({ type, data }: Pick<LedgerEntry, 'type' | 'data'>): boolean {
  if (type !== 'network.request' || typeof data.model !== 'string' || data.denied === true) return false;
  // What never arrived or failed at the provider costs nothing, and has no cost in its entry.
  const hasFailed = typeof data.status === 'number' && (data.status === 0 || data.status >= 400);
  return !hasFailed || data.costMicros !== undefined;
}

/** What was spent with these entries, each row once. */
export function spendOf(rows: readonly EventRow[], receivedAt: Date): SpendRow[] {
  const sums = new Map<string, SpendRow>();
  for (const { organisationId, deviceId, entry } of rows) {
    if (!isModelCall(entry)) continue;
    const { actor, data } = entry;
    const empty: SpendRow = {
      organisationId,
      deviceId,
      day: dayOf(Date.parse(entry.at), receivedAt),
      agentId: plainText(actor.id, 128),
      agentName: plainText(actor.name, 256),
      userName: plainText(actor.user ?? '', 128),
      provider: text(data.provider, 64),
      model: text(data.model, 128),
      calls: 0,
      inputTokens: 0,
      outputTokens: 0,
      cachedTokens: 0,
      exactMicros: 0,
      estimatedMicros: 0,
      unknownCalls: 0,
    };
    const { day, agentId, userName, provider, model } = empty;
    const key = JSON.stringify([deviceId, day, agentId, userName, provider, model]);
    const sum = sums.get(key) ?? empty;
    sums.set(key, sum);
    addTo(sum, data);
    sum.agentName = empty.agentName;
  }
  return [...sums.values()];
}

function addTo(sum: SpendRow, data: Data): void {
  const cost = amount(data.costMicros);
  sum.calls += 1;
  sum.inputTokens += amount(data.inputTokens) ?? 0;
  sum.outputTokens += amount(data.outputTokens) ?? 0;
  sum.cachedTokens += amount(data.cachedTokens) ?? 0;
  if (cost === undefined) sum.unknownCalls += 1;
  else if (data.costEstimated === true) sum.estimatedMicros += cost;
  else sum.exactMicros += cost;
}

function dayOf(at: number, receivedAt: Date): string {
  const received = receivedAt.getTime();
  const isCredible = at <= received + EARLY_MS && at >= received - LATE_MS;
  return new Date(isCredible ? at : received).toISOString().slice(0, 10);
}

/** @returns undefined for what is no amount: that is not known, and not zero. */
function amount(value: Data[string] | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= MOST
    ? value
    : undefined;
}

function text(value: Data[string] | undefined, length: number): string {
  return typeof value === 'string' ? plainText(value, length) : '';
}
