/** A column's value as COPY's text format has it (PostgreSQL, "COPY", File Formats). */
export type CopyValue = string | number | bigint | Buffer | null;

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** One line of COPY … FROM STDIN. Postgres text holds no NUL, so it becomes U+FFFD. */
export function copyLine(values: readonly CopyValue[]): string {
  let line = '';
  for (const [index, value] of values.entries()) {
    if (index > 0) line += '\t';
    line += copyField(value);
  }
  return `${line}\n`;
}

function copyField(value: CopyValue): string {
  if (value === null) return '\\N';
  if (typeof value === 'string') {
    // Most values need no escaping; looking is cheaper than replacing.
    return /[\\\t\n\r\0]/.test(value)
      ? value.replaceAll('\0', '\ufffd').replace(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? '')
      : value;
  }
  if (Buffer.isBuffer(value)) return `\\\\x${value.toString('hex')}`;
  return String(value);
}
