import { type PolicyDocument, parsePolicy } from '@raypher/policy';

/**
 * The lines of a policy source that hold one rule: from its `- id:` to the next item or the end of the
 * list. Undefined when the document has no such rule. Indentation that all lines share is removed.
 */
export function ruleSource(source: string, rule: string): string | undefined {
  const parsed = parsePolicy(source, { layer: 'global' });
  if (!parsed.ok || !idsOf(parsed.document).includes(rule)) return undefined;
  const lines = source.split('\n');
  const start = lines.findIndex((line) =>
    new RegExp(`^\\s*(?:-\\s+)?(?:\\{\\s*)?id:\\s*['"]?${escapePattern(rule)}['"]?\\s*(?:[,}].*|#.*)?$`).test(
      line,
    ),
  );
  if (start < 0) return undefined;
  const first = firstLineOfItem(lines, start);
  const indent = indentOf(lines[first] ?? '');
  let end = first + 1;
  while (end < lines.length && belongsTo(lines[end] ?? '', indent)) end += 1;
  return lines
    .slice(first, end)
    .map((line) => line.slice(indent))
    .join('\n')
    .trimEnd();
}

/** Of everything that decides: rules of all sections, and limits. */
function idsOf(document: PolicyDocument): string[] {
  const { network, operational, tools, supply_chain, dlp, temporal, trust, financial } = document;
  const sections: readonly { rules: readonly { id: string }[] }[] = [
    network,
    operational,
    tools,
    supply_chain,
    dlp,
    temporal,
    trust,
  ].filter((section) => section !== undefined);
  const limits = financial?.limits ?? [];
  return [...sections.flatMap(({ rules }) => rules), ...limits].map(({ id }) => id);
}

/** `id` need not be the item's first key. */
function firstLineOfItem(lines: string[], at: number): number {
  for (let line = at; line >= 0; line -= 1) {
    if (/^\s*-\s/.test(lines[line] ?? '')) return line;
  }
  return at;
}

function belongsTo(line: string, indent: number): boolean {
  return line.trim() === '' || indentOf(line) > indent;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
