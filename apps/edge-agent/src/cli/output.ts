/** Prints a value as JSON, or as lines for people. */
export function print(value: unknown, json: boolean, lines: () => readonly string[]): void {
  // JSON itself escapes the control characters below U+0020; its line breaks are our own.
  const text = json
    ? JSON.stringify(value, jsonValue, 2).split('\n').map(printable).join('\n')
    : lines().join('\n');
  process.stdout.write(`${text}\n`);
}

/** Numbers of the wire format are bigints, which JSON does not have; ours are far below 2^53. */
export function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

/**
 * Lines up columns. Control characters, which a process can put in its own name, are shown and not obeyed.
 *
 * @example table(['PID', 'NAME'], [['1', 'init']])
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const clean = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, column) => Math.max(...clean.map((row) => row[column]?.length ?? 0)));
  return clean.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** Replaces control and bidirectional characters by what they are. */
export function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** "3 processes", "1 process". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
