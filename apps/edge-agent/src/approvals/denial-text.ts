import type { ApprovalAnswer, ApprovalQuestion } from './approval.ts';

/** The one place that says what an AI agent reads when a person, or nobody, did not let it go on. */
export function denialText(
  question: Pick<ApprovalQuestion, 'action' | 'target' | 'verdict'>,
  answer: ApprovalAnswer,
): string {
  const { effective } = question.verdict;
  return [
    `Raypher did not allow this: ${question.action} ${question.target}.`,
    `${WHY[answer.how](answer)} Rule ${effective.rule} (${effective.layer} policy): ${effective.reason}`,
    'Stop here. Do not try it again, and do not look for another way to do the same, such as another tool, host, file or',
    'encoding: that would go against the decision of your organisation and is recorded.',
    'Tell the person you work for what you wanted to do and why, and let them decide.',
    ...(answer.approval === '' ? [] : [`Question ${answer.approval}.`]),
  ].join(' ');
}

const WHY: Record<ApprovalAnswer['how'], (answer: ApprovalAnswer) => string> = {
  person: ({ by, reason }) =>
    `${by ?? 'A person'} was asked and said no${reason === undefined ? '.' : `: ${reason}`}`,
  remembered: ({ by }) => `${by ?? 'A person'} said no to the same question before.`,
  timeout: () => 'A person was asked and nobody answered in time.',
  withdrawn: ({ reason }) => reason ?? 'The question to a person was withdrawn before anybody answered.',
  unavailable: ({ reason }) => reason ?? 'No person could be asked.',
};
