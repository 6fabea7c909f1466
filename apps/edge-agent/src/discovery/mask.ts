const MASK = '***';
const MAX_COMMAND_LINE = 2048;
/** The kernel accepts arguments of 128 KiB; nobody reads them, and searching them takes time. */
const MAX_TEXT = 4096;

/** Words that end the name of an option or variable whose value is a credential. */
const SECRET_WORD =
  'api[-_]?key|access[-_]?key|key|token|secret|password|passwd|pwd|pass|credentials?|auth|authorization|bearer|cookie';
/** The same, run together with what comes before: PGPASSWORD, authToken, openaiApiKey. */
const SECRET_ENDING =
  'api[-_]?key|access[-_]?key|secret[-_]?key|private[-_]?key|token|secret|password|passwd';
const SECRET_NAME = new RegExp(`(?:(?:^|[-_.])(?:${SECRET_WORD})|(?:${SECRET_ENDING}))$`, 'i');
/** curl's and its kin's; the value is a name, a colon and a password. */
const LOGIN_NAME = /^(?:-u|--user|--proxy-user)$/;
/** NAME=value, --name=value, name: value, "name":"value" */
const SECRET_PAIR = new RegExp(
  `(?<![A-Za-z0-9])((?:(?:[\\w.-]{0,256}[-_.])?(?:${SECRET_WORD})|[\\w.-]{0,256}(?:${SECRET_ENDING})|-u|--user|--proxy-user)["']?\\s*[=:]\\s*["']?)[^\\s"'&,;)]+`,
  'gi',
);

/** Shapes of credentials, wherever they stand in an argument. */
const SECRET_SHAPES: readonly RegExp[] = [
  /\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{16,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{16,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\b(?:hf|gsk|npm|r8|xai|pypi|tvly|pplx)[-_][A-Za-z0-9_-]{16,}/g,
  /\brpt1\.[A-Za-z0-9._-]{16,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
];

/** Long runs of mixed characters are more likely a key than a word; hashes in hex and paths are neither. */
const LONG_RANDOM = /[A-Za-z0-9+_-]{40,}={0,2}/g;

/**
 * A command line for people and records, without what looks like a credential. It masks too much rather than too
 * little; values are never needed to recognise a program.
 *
 * @example maskArguments(['bot', '--api-key', 'abc', '--model=gpt-4o']) // "bot --api-key *** --model=gpt-4o"
 */
export function maskArguments(argv: readonly string[]): string {
  const shown: string[] = [];
  let maskNext = false;
  let login = false;
  let length = 0;
  for (const argument of argv) {
    if (length > MAX_COMMAND_LINE) break;
    // A random value may begin with a dash; an option has two, or is short.
    if (maskNext && !/^--|^-.?$/.test(argument)) shown.push(MASK);
    else if (login) shown.push(argument.replace(/:.*$/s, `:${MASK}`));
    else shown.push(maskText(argument));
    length += 1 + (shown.at(-1)?.length ?? 0);
    login = LOGIN_NAME.test(argument);
    maskNext = /^--?[A-Za-z]/.test(argument) && !argument.includes('=') && SECRET_NAME.test(argument);
  }
  const line = shown.map(printable).join(' ');
  return line.length <= MAX_COMMAND_LINE ? line : `${line.slice(0, MAX_COMMAND_LINE - 1)}…`;
}

/** Masks credentials inside one text: an argument, a path, a line of evidence. */
export function maskText(text: string): string {
  let masked = (text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`)
    .replace(/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${MASK}`)
    .replace(SECRET_PAIR, `$1${MASK}`)
    // https://user:password@host
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi, `$1${MASK}@`);
  for (const shape of SECRET_SHAPES) masked = masked.replace(shape, MASK);
  return masked.replace(LONG_RANDOM, (run) =>
    /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run) ? MASK : run,
  );
}

/** Control characters and direction marks could forge lines or hide text in a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ');
}
