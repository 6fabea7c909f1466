import type { Attempt } from './attempt-definition.ts';
import type { AttemptOutcome } from './attempt-runner.ts';

/** A tier, or a tier on one kernel. */
export interface MatrixColumn {
  /** Its file of outcomes, without `.json`. */
  readonly file: string;
  readonly title: string;
  /** Undefined: nobody has recorded any. */
  readonly outcomes: readonly AttemptOutcome[] | undefined;
}

/** In this order; what each is the head of the document says. */
export const MATRIX_COLUMNS = [
  { file: 'lsm-6.1', title: 'T1, Linux 6.1' },
  { file: 'lsm-6.12', title: 'T1, Linux 6.12' },
  { file: 'cgroup', title: 'T2, control-group programs' },
  { file: 'nftables', title: 'T2, nftables' },
  { file: 'fanotify', title: 'T2, fanotify' },
  { file: 'landlock', title: 'T2 and T3, Landlock launcher' },
] as const;

const HEAD = `# What each tier stops

Made from the outcomes of tests by a test; do not edit. Each row is a way round the guard that was tried, as root, from
inside the tree of an AI agent whose policy forbids what the row does (\`apps/edge-agent/src/guard/testing\`).

- **stopped**: it did not happen
- **recorded**: it happened, and the guard has told of it
- **not stopped**: it happened
- *not tried*: that machine lacks what the attempt needs; says nothing about the guard
- *no outcome*: nobody has run it in this tier

T4 (nothing in the kernel but freezing and killing) stops none of them.
`;

/** The document in Markdown. */
export function renderMatrix(attempts: readonly Attempt[], columns: readonly MatrixColumn[]): string {
  const rows = attempts.map(({ id, tries, stoppedBy }) =>
    row([
      `\`${id}\``,
      tries.replaceAll('|', '\\|'),
      `\`${stoppedBy}\``,
      ...columns.map((column) => cell(column, id)),
    ]),
  );
  const heads = ['attempt', 'what it tries', 'capability', ...columns.map(({ title }) => title)];
  return `${HEAD}\n${[row(heads), row(heads.map(() => '---')), ...rows].join('\n')}\n\n${count(attempts, columns)}\n`;
}

function cell({ outcomes }: MatrixColumn, id: string): string {
  const found = outcomes?.find((outcome) => outcome.id === id);
  if (found === undefined) return '*no outcome*';
  return found.outcome === 'not applicable'
    ? '*not tried*'
    : found.outcome.replace(/^not stopped$/, '**not stopped**');
}

function count(attempts: readonly Attempt[], columns: readonly MatrixColumn[]): string {
  const lines = columns.map(({ title, outcomes }) => {
    const stopped = outcomes?.filter(({ outcome }) => outcome === 'stopped').length;
    return `- ${title}: ${stopped === undefined ? 'no outcomes recorded' : `${stopped} of ${attempts.length} stopped`}`;
  });
  return lines.join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
