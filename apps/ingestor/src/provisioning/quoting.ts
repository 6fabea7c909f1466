/** One word for a POSIX shell: nothing is special between single quotes but the quote itself. */
export function shellWord(text: string): string {
  return `'${printable(text).replaceAll("'", `'\\''`)}'`;
}

/** One string for PowerShell, where some typographic quotes end a string as well. */
export function powershellString(text: string): string {
  return `'${printable(text).replaceAll(/['\u2018-\u201b]/g, (quote) => quote + quote)}'`;
}

/** Text between two XML tags. */
export function xmlText(text: string): string {
  return printable(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** On one line, without characters that no name has and that some readers choke on. */
function printable(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffe\uffff]/gu, ' ');
}
