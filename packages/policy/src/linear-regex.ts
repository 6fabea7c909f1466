import { RE2JS, RE2JSException } from 're2js';

/** Longer patterns are programs; a policy is read by people. */
export const MAX_REGEX_LENGTH = 512;
/** Of the compiled program: repeated repetitions make short patterns large. */
const MAX_PROGRAM_SIZE = 2000;
/** Characters. Matching is linear, and still not free: what is longer counts as unreadable. */
export const MAX_REGEX_INPUT = 16_384;

export type ParsedRegex =
  | { readonly ok: true; readonly test: (value: string) => boolean }
  | { readonly ok: false; readonly problem: string };

/**
 * Compiles a regular expression in RE2's syntax, which has no look-around and no back-references and in
 * return takes time linear in the input, whatever the pattern and the input are. Finds it anywhere; `^` and
 * `$` anchor.
 */
export function parseRegex(pattern: string): ParsedRegex {
  if (pattern.length > MAX_REGEX_LENGTH) {
    return { ok: false, problem: `a pattern is at most ${MAX_REGEX_LENGTH} characters` };
  }
  try {
    const regex = RE2JS.compile(pattern);
    if (regex.programSize() > MAX_PROGRAM_SIZE) {
      return { ok: false, problem: 'its repetitions make it too large' };
    }
    return { ok: true, test: (value) => regex.test(value) };
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const isForeign = /\(\?[=!<]|\\[1-9]/.test(pattern);
    const hint = isForeign ? '; look-around and back-references do not exist in linear-time patterns' : '';
    return { ok: false, problem: `${error.message}${hint}` };
  }
}
