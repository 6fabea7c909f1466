import type { FreezeTarget } from './select.ts';
import type { ProcessRef } from './tree.ts';

export interface FreezeResult extends ProcessRef {
  name: string;
  /** "agent:<AI agent id>" or "hash:<SHA-256>" */
  target: string;
  label: string;
  outcome: 'frozen' | 'thawed' | 'refused' | 'failed';
  /** How, or why not. */
  detail: string;
}

export interface FreezeReport {
  /** Held after this sweep. */
  trees: number;
  processes: number;
  /** By this sweep. */
  frozen: number;
  thawed: number;
  /** What changed, and what was refused; processes that were held already are not repeated. */
  results: FreezeResult[];
  /** Evidence per target, for the record. */
  evidence: Record<string, string[]>;
  /** Everything that is meant stands still (protected processes aside). */
  complete: boolean;
  durationMs: number;
}

export function resultOf(
  { pid, startTime, name }: ProcessRef & { name: string },
  target: Pick<FreezeTarget, 'key' | 'label'>,
  outcome: FreezeResult['outcome'],
  detail: string,
): FreezeResult {
  return { pid, startTime, name, target: target.key, label: target.label, outcome, detail };
}
