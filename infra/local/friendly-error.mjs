/** Something the person who ran the command can do something about: shown as a sentence, without a stack. */
export class FriendlyError extends Error {
  /**
   * @param {string} message - what is wrong, one sentence.
   * @param {string} [hint] - what to do next.
   * @param {number} [exitCode]
   */
  constructor(message, hint, exitCode = 1) {
    super(message);
    this.name = 'FriendlyError';
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/**
 * Prints an error the way a person wants to read it and returns the exit code.
 *
 * @param {unknown} error
 * @returns {number}
 */
export function reportError(error) {
  const known = error instanceof Error && 'hint' in error;
  console.error(`\n✗ ${known ? error.message : error instanceof Error ? error.stack : String(error)}`);
  if (known && typeof error.hint === 'string') console.error(`  ${error.hint}`);
  return error instanceof FriendlyError ? error.exitCode : 1;
}
