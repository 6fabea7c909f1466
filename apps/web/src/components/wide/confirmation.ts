/** The shortest reason that the control plane accepts (packages/shared, `Reason`). */
const MIN_REASON = 3;

export interface WideAnswers {
  reason: string;
  /** What was typed to confirm. */
  confirm: string;
}

/**
 * Why a wide action may not start yet; undefined when it may.
 *
 * @param name the organisation's name, when it must be typed
 */
export function missingAnswer(answers: WideAnswers, name: string | undefined): string | undefined {
  if (answers.reason.trim().length < MIN_REASON) return 'Say why first: the reason is recorded.';
  if (name !== undefined && answers.confirm !== name) return `Type ${name} to confirm.`;
  return undefined;
}
