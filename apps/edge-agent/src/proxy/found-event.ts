import {
  type FindingRecord,
  type InspectedPart,
  type KeyedHash,
  type PartRole,
  recordFinding,
} from '@raypher/dlp';
import type { Verdict } from '@raypher/policy';
import type { Severity } from '@raypher/shared';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { Caller } from './caller.ts';
import { actorOf, maskPath } from './network-event.ts';

/** What may be kept of one finding, and in what kind of text it stood. */
export interface LocatedFinding {
  record: FindingRecord;
  role: PartRole;
}

/** What became of a message with findings. */
export type FoundOutcome = 'block' | 'redact' | 'alert' | 'prompt' | 'allow';

export interface FoundFacts {
  direction: 'out' | 'in';
  host: string;
  /** With a query, which is not recorded. */
  path: string;
  provider: string | undefined;
  /** `null`: the call names none. */
  model: string | null | undefined;
  caller: Caller;
  /** Of `data.out` or `data.in`. */
  verdict: Verdict;
  /** What was carried out. */
  outcome: FoundOutcome;
  /** At least one. */
  findings: readonly LocatedFinding[];
  /** How many findings were replaced by placeholders. */
  redacted: number;
  /** Parts in which names were not looked for, or only by something weaker; none unless given. */
  unrecognised?: number;
  /** Of the live connection that carried the message. */
  connection: string | undefined;
}

/** Detectors, and different data, that one event names; what is beyond is counted alone. */
const MOST_NAMED = 32;

/** The order of how bad data is that leaves. */
const WORST_FIRST = ['critical', 'high', 'medium', 'low'] as const;
const SEVERITY_OF: Record<FindingRecord['severity'], Severity> = {
  low: 'info',
  medium: 'notice',
  high: 'warning',
  critical: 'critical',
};

/** What may be kept of all findings in a message. Nothing of the data itself survives but a masked sample. */
export function locatedFindings(
  parts: readonly Pick<InspectedPart, 'text' | 'role' | 'findings'>[],
  keyedHash: KeyedHash,
): LocatedFinding[] {
  return parts.flatMap(({ text, role, findings }) =>
    findings.map((finding) => ({ record: recordFinding(text, finding, keyedHash), role })),
  );
}

/**
 * Sensitive data in one message as the ledger keeps it: kinds, places, hashes and what was done, never the data.
 * The masked samples go beside the entry, where they can be erased.
 */
export function foundEvent(facts: FoundFacts): EventDraft {
  const { verdict, findings, outcome } = facts;
  const detectors = countDetectors(findings).slice(0, MOST_NAMED);
  const different = [...byHash(findings).values()].slice(0, MOST_NAMED);
  return {
    type: 'dlp.found',
    severity: SEVERITY_OF[worst(findings)],
    actor: actorOf(facts.caller),
    action: facts.direction === 'out' ? 'send' : 'receive',
    target: `${facts.host}${pathOf(facts)}`,
    verdict: {
      outcome: verdict.outcome,
      mode: verdict.mode,
      layer: verdict.layer,
      rule: verdict.rule,
      reason: verdict.reason,
      revision: verdict.revision,
    },
    data: {
      direction: facts.direction,
      host: facts.host,
      ...(facts.provider === undefined ? {} : { provider: facts.provider }),
      ...(facts.model === undefined ? {} : { model: facts.model ?? 'unknown' }),
      outcome,
      wouldBlock: verdict.outcome === 'DENY' && outcome !== 'block',
      detectors: detectors.map(([detector]) => detector),
      counts: detectors.map(([, count]) => String(count)),
      classes: unique(findings.map(({ record }) => record.category)),
      places: unique(findings.map(({ role }) => role)),
      hashes: different.map(({ hash }) => hash),
      count: findings.length,
      different: byHash(findings).size,
      redacted: facts.redacted,
      ...(facts.unrecognised ? { unrecognised: facts.unrecognised } : {}),
      ...(facts.connection === undefined ? {} : { connection: facts.connection }),
    },
    private: {
      samples: different.map(({ sample }) => sample),
      // Which detector each sample is of: `detectors` above has another order and fewer entries.
      detectors: different.map(({ detector }) => detector),
    },
  };
}

/** Found in the address itself, the data would stand in the record: then the path is left out. */
function pathOf({ path, findings }: FoundFacts): string {
  if (findings.some(({ role }) => role === 'url')) return '/…';
  return maskPath(path.split(/[?#]/, 1)[0] ?? '');
}

function worst(findings: readonly LocatedFinding[]): FindingRecord['severity'] {
  return WORST_FIRST.find((severity) => findings.some(({ record }) => record.severity === severity)) ?? 'low';
}

/** Worst first, then the most frequent. */
function countDetectors(findings: readonly LocatedFinding[]): [detector: string, count: number][] {
  const counts = new Map<string, { count: number; rank: number }>();
  for (const { record } of findings) {
    const rank = WORST_FIRST.indexOf(record.severity);
    const before = counts.get(record.detector) ?? { count: 0, rank };
    counts.set(record.detector, { count: before.count + 1, rank: Math.min(before.rank, rank) });
  }
  return [...counts]
    .sort(([, a], [, b]) => a.rank - b.rank || b.count - a.count)
    .map(([detector, { count }]) => [detector, count]);
}

/** The same data in several places is one, worst first. */
function byHash(findings: readonly LocatedFinding[]): Map<string, FindingRecord> {
  const sorted = findings
    .map(({ record }) => record)
    .sort((a, b) => WORST_FIRST.indexOf(a.severity) - WORST_FIRST.indexOf(b.severity));
  const different = new Map<string, FindingRecord>();
  for (const record of sorted) if (!different.has(record.hash)) different.set(record.hash, record);
  return different;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)].sort();
}
