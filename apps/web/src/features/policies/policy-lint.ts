import type { Diagnostic } from '@codemirror/lint';
import type { Text } from '@codemirror/state';
import {
  type PolicyIssue,
  type PolicyWarning,
  parsePolicy,
  parsePolicyTests,
  unreachableRules,
} from '@raypher/policy';

/** The checker that runs on devices and on the server, run here on every pause in typing. */
export function lintPolicy(layer: 'global' | 'team') {
  return (doc: Text): Diagnostic[] => {
    const source = doc.toString();
    if (source.trim() === '') return [];
    const parsed = parsePolicy(source, { layer });
    return parsed.ok
      ? unreachableRules(source, parsed.document).map((warning) => toDiagnostic(warning, doc, 'warning'))
      : parsed.issues.map((issue) => toDiagnostic(issue, doc, 'error'));
  };
}

export function lintTests(doc: Text): Diagnostic[] {
  const source = doc.toString();
  if (source.trim() === '') return [];
  const parsed = parsePolicyTests(source);
  return parsed.ok ? [] : parsed.issues.map((issue) => toDiagnostic(issue, doc, 'error'));
}

function toDiagnostic(
  issue: PolicyIssue | PolicyWarning,
  doc: Text,
  severity: 'error' | 'warning',
): Diagnostic {
  const from = offset(doc, issue.line, issue.column);
  const to = Math.max(from, offset(doc, issue.endLine, issue.endColumn));
  const suggestion = 'suggestion' in issue ? issue.suggestion : undefined;
  return {
    from,
    to,
    severity,
    source: issue.path === '' ? issue.code : issue.path,
    message: issue.message,
    ...(suggestion === undefined
      ? {}
      : {
          actions: [
            {
              name: `Write ${suggestion}`,
              apply: (view, start, end) =>
                view.dispatch({ changes: { from: start, to: end, insert: suggestion } }),
            },
          ],
        }),
  };
}

/** Positions come from the document as it was when it was checked; a shorter one must not throw. */
function offset(doc: Text, line: number, column: number): number {
  const { from, to } = doc.line(Math.min(Math.max(1, line), doc.lines));
  return Math.min(to, from + Math.max(0, column - 1));
}
