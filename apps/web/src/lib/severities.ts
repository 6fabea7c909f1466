/** Choices of a severity filter. */
export const SEVERITIES = [
  ['', 'Any severity'],
  ['info', 'Info'],
  ['notice', 'Notice'],
  ['warning', 'Warning'],
  ['critical', 'Critical'],
] as const;
