/** A mistake in a policy document, where it is and what was probably meant. */
export interface PolicyIssue {
  readonly code: 'policy/syntax' | 'policy/schema';
  readonly message: string;
  /** 1-based; columns count UTF-16 units, as editors do. The end is exclusive. */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** `network.rules[0].effect`; empty for the document itself. */
  readonly path: string;
  /** What to write instead of the marked text. */
  readonly suggestion?: string;
}

/** Beyond this many, more issues help nobody, and describing them takes time. */
export const MAX_ISSUES = 50;

/** @example formatPath(['network', 'rules', 0, 'effect']) // 'network.rules[0].effect' */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
}
