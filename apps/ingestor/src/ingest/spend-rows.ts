import type { LedgerEntry } from '@raypher/shared';
import { plainText } from './plain-text.ts';

/** What one device spent, as it stands in a row. */
export interface SpendRow extends SpendSum {
  readonly organisationId: string;
  readonly deviceId: string;
}

/** What was spent on one day for one AI agent, user, provider and model. Money in micro-dollars. */
export interface SpendSum {
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

/** A billion dollars, or so many tokens: no call is larger. */
const MOST = 1e15;
const DAY_MS = 86_400_000;
/** A device that was away reports late; what is older, or yet to come, has a wrong clock. */
const LATE_MS = 40 * DAY_MS;
const EARLY_MS = 3_600_000;
interface Credible {
  earliest: string;
  latest: string;
  today: string;
}

function credibleAt(receivedAt: Date): Credible {
  const iso = (later: number) => new Date(receivedAt.getTime() + later).toISOString();
  return { earliest: iso(-LATE_MS), latest: iso(EARLY_MS), today: iso(0).slice(0, 10) };
}

/** A call of a model that somebody may be charged for; whether its cost is known is another matter. */
export function isModelCall({ type, data }: Pick<LedgerEntry, 'type' | 'data'>): boolean {
  if (type !== 'network.request' || typeof data.model !== 'string' || data.denied === true) return false;
  // What never arrived or failed at the provider costs nothing, and has no cost in its entry.
  const hasFailed = typeof data.status === 'number' && (data.status === 0 || data.status >= 400);
  return !hasFailed || data.costMicros !== undefined;
}

/** Adds up what one device spent, each sum once. */
export class SpendTally {
  private readonly sums = new Map<string, SpendSum>();
  private readonly credible: Credible;

  /** @param receivedAt what is much older, or yet to come, has a wrong clock */
  constructor(receivedAt: Date) {
    this.credible = credibleAt(receivedAt);
  }

  add(entry: LedgerEntry): void {
    if (!isModelCall(entry)) return;
    const { actor, data } = entry;
    const day = dayOf(entry.at, this.credible);
    const key = JSON.stringify([day, actor.id, actor.user, data.provider, data.model]);
    let sum = this.sums.get(key);
    if (sum === undefined) {
      sum = emptySum(entry, day);
      this.sums.set(key, sum);
    }
    addTo(sum, data);
    if (actor.name !== sum.agentName) sum.agentName = plainText(actor.name, 256);
  }

  finish(): SpendSum[] {
    return [...this.sums.values()];
  }
}

function emptySum({ actor, data }: LedgerEntry, day: string): SpendSum {
  return {
    day,
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
}

function addTo(sum: SpendSum, data: Data): void {
  const cost = amount(data.costMicros);
  sum.calls += 1;
  sum.inputTokens += amount(data.inputTokens) ?? 0;
  sum.outputTokens += amount(data.outputTokens) ?? 0;
  sum.cachedTokens += amount(data.cachedTokens) ?? 0;
  if (cost === undefined) sum.unknownCalls += 1;
  else if (data.costEstimated === true) sum.estimatedMicros += cost;
  else sum.exactMicros += cost;
}

/** @param at as an entry has it: times of one form sort as texts, and others are as good as wrong */
function dayOf(at: string, { earliest, latest, today }: Credible): string {
  return at >= earliest && at <= latest ? at.slice(0, 10) : today;
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
