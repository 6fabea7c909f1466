/** A text as the inside of a LIKE pattern: what a person types is searched for as it stands. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`;
}
