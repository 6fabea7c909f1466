/** Where the cursor stands in a YAML document of mappings and lists in block style. */
export interface YamlPosition {
  /** Keys from the root to the mapping that the cursor is in; `[]` stands for an item of a list. */
  path: string[];
  /** The key whose value is being typed; undefined while a key is being typed. */
  key: string | undefined;
  /** What has been typed of the key or value. */
  typed: string;
  /** Keys that the mapping has already. */
  present: string[];
}

interface Line {
  /** Column of the first dash, when the line starts an item. */
  dash: number | undefined;
  /** Column of the key, or of whatever stands there. */
  column: number;
  key: string | undefined;
}

const LINE = /^(\s*)((?:-\s+)*)(?:([\w-]+)\s*:(?=\s|$))?/;

/**
 * Reads indentation instead of a syntax tree: while somebody types, the document rarely parses.
 *
 * @param lines the whole document
 * @param index the cursor's line
 * @param column the cursor's column, both from 0
 */
export function yamlPosition(lines: readonly string[], index: number, column: number): YamlPosition {
  const before = (lines[index] ?? '').slice(0, column);
  const value = /^(\s*(?:-\s+)*)([\w-]+)\s*:\s+(.*)$/.exec(before);
  const prefix = value?.[1] ?? /^\s*(?:-\s+)*/.exec(before)?.[0] ?? '';
  const start = prefix.length;
  const dash = prefix.indexOf('-');
  return {
    path: climb(lines, index, start, dash < 0 ? undefined : dash),
    key: value?.[2],
    typed: value === null ? before.slice(start) : (value[3] ?? ''),
    present: siblings(lines, index, start),
  };
}

function climb(lines: readonly string[], index: number, column: number, dash: number | undefined): string[] {
  const path: string[] = [];
  // In a list, the key that holds it may stand at the very column of its dashes.
  let limit = column - 1;
  if (dash !== undefined) {
    path.unshift('[]');
    limit = dash;
  }
  for (let at = index - 1; at >= 0 && limit >= 0; at -= 1) {
    const line = measure(lines[at] ?? '');
    if (line === undefined) continue;
    if (path[0] !== '[]' && line.dash !== undefined && line.column === limit + 1) {
      // The first line of the item that the cursor's mapping is.
      path.unshift('[]');
      limit = line.dash;
      continue;
    }
    if (line.column > limit || line.key === undefined) continue;
    if (path[0] === '[]' && line.dash === limit) continue;
    path.unshift(line.key);
    limit = line.column - 1;
    if (line.dash !== undefined) {
      path.unshift('[]');
      limit = line.dash;
    }
  }
  return path;
}

function siblings(lines: readonly string[], index: number, column: number): string[] {
  const keys: string[] = [];
  const scan = (step: 1 | -1): void => {
    for (let at = index + step; at >= 0 && at < lines.length; at += step) {
      const line = measure(lines[at] ?? '');
      if (line === undefined) continue;
      if (line.column < column) return;
      if (line.column !== column) continue;
      // A dash starts another item: below it is not ours, above it is ours and the first of it.
      if (line.dash !== undefined && step === 1) return;
      if (line.key !== undefined) keys.push(line.key);
      if (line.dash !== undefined) return;
    }
  };
  const ownDash = measure(lines[index] ?? '')?.dash !== undefined;
  if (!ownDash) scan(-1);
  scan(1);
  return keys;
}

function measure(line: string): Line | undefined {
  if (/^\s*(#.*)?$/.test(line)) return undefined;
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, lead = '', dashes = '', key] = match;
  return { dash: dashes === '' ? undefined : lead.length, column: lead.length + dashes.length, key };
}
