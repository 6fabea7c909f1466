import { PolicyStage } from '@raypher/shared/rest';

/** What was answered about who gets a revision first. */
export interface StageAnswers {
  kind: 'all' | PolicyStage['selector']['kind'];
  /** As typed. */
  percentage: string;
  haltAtPercent: string;
  /** Ids of teams or devices. */
  chosen: readonly string[];
}

export const DEFAULT_STAGE: StageAnswers = { kind: 'all', percentage: '10', haltAtPercent: '10', chosen: [] };

/** The stage; undefined for everybody, null while the answers are not whole. */
export function toStage(answers: StageAnswers): PolicyStage | undefined | null {
  if (answers.kind === 'all') return undefined;
  const selector =
    answers.kind === 'percentage'
      ? { kind: answers.kind, percentage: Number(answers.percentage) }
      : { kind: answers.kind, [answers.kind]: answers.chosen };
  return PolicyStage.safeParse({ selector, haltAtPercent: Number(answers.haltAtPercent) }).data ?? null;
}
