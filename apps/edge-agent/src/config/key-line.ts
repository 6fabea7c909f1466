/**
 * The line (from 1) on which a TOML file sets a key; the table's own line, or 1, when it is not written out.
 *
 * @example findKeyLine('[proxy]\nprt = 1\n', ['proxy', 'prt']) // 2
 */
export function findKeyLine(source: string, path: readonly string[]): number {
  let table: string[] = [];
  let best = 1;
  for (const [index, line] of source.split('\n').entries()) {
    const header = /^\s*\[+\s*([^\]]+?)\s*\]+/.exec(line)?.[1];
    if (header !== undefined) {
      table = splitKey(header);
      if (startsWith(path, table)) best = index + 1;
      if (table.length === path.length && startsWith(path, table)) return index + 1;
      continue;
    }
    const key =
      /^\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=/.exec(
        line,
      )?.[1];
    if (key === undefined) continue;
    const full = [...table, ...splitKey(key)];
    // The key itself, or an inline table that holds it.
    if (startsWith(path, full)) return index + 1;
  }
  return best;
}

function splitKey(text: string): string[] {
  const parts = text.match(/"[^"]*"|'[^']*'|[^.\s]+/g) ?? [];
  return parts.map((part) => part.replace(/^["']|["']$/g, ''));
}

function startsWith(path: readonly string[], prefix: readonly string[]): boolean {
  return prefix.length <= path.length && prefix.every((part, index) => part === path[index]);
}
