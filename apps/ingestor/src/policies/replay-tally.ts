import {
  compilePolicy,
  documentsFor,
  type PolicySnapshot,
  replayable,
  replayPolicies,
  requestOfEvent,
} from '@raypher/policy';
import { LedgerEntry } from '@raypher/shared';
import type { PolicyDocuments, ReplayChange, ReplayedPolicy } from '@raypher/shared/rest';
import type { RecordedRow } from './replay.repository.ts';

/** Examples that are kept of each change: enough to look at. */
const MAX_EXAMPLES = 5;

/** What was not recorded with requests, and what follows from it. */
const UNKNOWN = [
  'Trust scores, labels and libraries of AI agents, arguments of commands and tools, and classes of devices are not recorded with events: rules that restrict match whatever they ask of them, rules that permit do not.',
  'Of AI agents the team is not recorded either. Each event is decided by the documents that its device has today.',
  'Limits of spending and downgrades are left out: balances at the time are not recorded.',
  'A finding is recorded with its detectors and classes, not with which belong together: each is taken with each.',
];

/** Decides recorded requests by two sets of documents and counts what differs. Pure, batch by batch. */
export class ReplayTally {
  private readonly snapshots = new Map<string, { before: PolicySnapshot; after: PolicySnapshot }>();
  private readonly changes = new Map<string, ReplayChange>();
  private events = 0;
  private requests = 0;
  private unchanged = 0;
  private newest: Date | undefined;
  private oldest: Date | undefined;

  constructor(
    private readonly documents: { before: PolicyDocuments; after: PolicyDocuments },
    private readonly assumeEnforced: boolean,
  ) {}

  add(row: RecordedRow): void {
    this.events += 1;
    this.newest ??= row.receivedAt;
    this.oldest = row.receivedAt;
    const entry = LedgerEntry.safeParse(jsonOf(row.entry)).data;
    const request = entry === undefined ? undefined : requestOfEvent(entry);
    if (entry === undefined || request === undefined) return;
    this.requests += 1;
    const { before, after } = this.snapshotsOf(row.teamId);
    const [change] = replayPolicies(before, after, [{ request }]).changes;
    if (change === undefined) {
      this.unchanged += 1;
      return;
    }
    const { ruleBefore, ruleAfter, direction } = change;
    const key = JSON.stringify([change.before, ruleBefore, change.after, ruleAfter]);
    const known = this.changes.get(key) ?? {
      before: change.before,
      after: change.after,
      ruleBefore,
      ruleAfter,
      direction,
      count: 0,
      examples: [],
    };
    known.count += 1;
    if (known.examples.length < MAX_EXAMPLES) {
      const { deviceId, seq, receivedAt } = row;
      const { actor, action, target } = entry;
      known.examples.push({
        deviceId,
        seq: Number(seq),
        at: receivedAt.toISOString(),
        actor: actor.name,
        action,
        target,
      });
    }
    this.changes.set(key, known);
  }

  result(stoppedBy: ReplayedPolicy['stoppedBy']): ReplayedPolicy {
    const { events, requests, unchanged, newest, oldest } = this;
    return {
      events,
      requests,
      unchanged,
      notReplayed: events - requests,
      covered:
        newest === undefined || oldest === undefined
          ? null
          : { from: oldest.toISOString(), to: newest.toISOString() },
      stoppedBy,
      unknown: UNKNOWN,
      changes: [...this.changes.values()].toSorted((a, b) => b.count - a.count),
    };
  }

  private snapshotsOf(teamId: string | null) {
    // Teams without a document of their own share what everybody has.
    const { before, after } = this.documents;
    const team = [...before, ...after].some((one) => one.team === teamId) ? teamId : null;
    const known = this.snapshots.get(team ?? '');
    if (known !== undefined) return known;
    const compiled = {
      before: compilePolicy({ revision: 0, layers: documentsFor(before, team).map(replayable) }),
      after: compilePolicy({
        revision: 0,
        layers: documentsFor(after, team).map(({ layer, document }) =>
          replayable({ layer, document: this.assumeEnforced ? { ...document, mode: 'enforce' } : document }),
        ),
      }),
    };
    this.snapshots.set(team ?? '', compiled);
    return compiled;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
