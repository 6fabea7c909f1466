import type { Verdict } from '@raypher/policy';
import type { LedgerEntry } from '@raypher/shared';

/** Something an AI agent wants to do, and policy wants a person to decide. */
export interface ApprovalQuestion {
  /** Its `effective` opinion is a PROMPT. */
  readonly verdict: Verdict;
  readonly actor: LedgerEntry['actor'];
  /** A verb phrase, such as `call`. */
  readonly action: string;
  /** Host and path, tool, file; never a secret. */
  readonly target: string;
  /**
   * Questions with the same subject are the same question: what a person said "for this session" or "for ten minutes"
   * answers all of them. Of one process (pid and start time), rule and target.
   */
  readonly subject: string;
  /** For the person who decides: short facts, already masked. */
  readonly details: Readonly<Record<string, string | number | readonly string[]>>;
  /**
   * A digest of all that would be sent, which details show a part of: what waits together and is not the same to the
   * byte is asked about one by one. Neither shown nor stored. Undefined where the details are all there is.
   */
  readonly content?: string;
}

export interface ApprovalAnswer {
  readonly outcome: 'ALLOW' | 'DENY';
  /**
   * `remembered`: a person answered the same question before. `timeout`: nobody answered in time, and the rule said
   * what then. `withdrawn`: who asked went away. `unavailable`: the store of questions could not be used.
   */
  readonly how: 'person' | 'remembered' | 'timeout' | 'withdrawn' | 'unavailable';
  /** Who decided, where a person did. */
  readonly by: string | undefined;
  /** Id of the question, for the record; empty when nobody was asked. */
  readonly approval: string;
  /** What `how` alone does not say: why nobody could be asked, what the person wrote. */
  readonly reason?: string;
}

/** Asks a person, and waits. Never throws: in doubt the answer is DENY. */
export interface Approvals {
  /** @param gone aborted when whoever waits for the answer has gone */
  ask(question: ApprovalQuestion, gone: AbortSignal): Promise<ApprovalAnswer>;
}
