import type { Interpreter } from './interpreters.ts';

/** Variables by which the dynamic linker, libc and OpenSSL load code into any program (ld.so(8)). */
const LOADS_CODE =
  /^(LD_.*|GCONV_PATH|GETCONF_DIR|NLSPATH|OPENSSL_CONF|OPENSSL_MODULES|OPENSSL_ENGINES|GLIBC_TUNABLES|MALLOC_TRACE)$/;
const HARMLESS_LINKER = /^LD_(BIND_NOW|WARN|VERBOSE|SHOW_AUXV)$/;

/** The words of NODE_OPTIONS that change nothing about which code runs. */
const HARMLESS_NODE_OPTION =
  /^--(max-old-space-size=\d+|max-semi-space-size=\d+|enable-source-maps|no-warnings|trace-warnings|no-deprecation)$/;

/**
 * Looks for variables that load code which nobody allowed. Values never leave this function, and what is read is
 * overwritten by the caller.
 *
 * @param block NAME=value entries, each ended by a zero byte
 * @returns the name of the first such variable
 */
export function codeLoadingVariable(block: Buffer, interpreter: Interpreter | undefined): string | undefined {
  for (let start = 0; start < block.length; ) {
    const zero = block.indexOf(0, start);
    const end = zero < 0 ? block.length : zero;
    const equals = block.indexOf(0x3d, start);
    if (equals > start && equals < end) {
      const name = block.toString('latin1', start, equals);
      const value = (): string => block.toString('latin1', equals + 1, end);
      // Set to nothing is the same as not set, for all of these.
      if (equals + 1 < end && loadsCode(name, value, interpreter)) return name;
    }
    start = end + 1;
  }
  return undefined;
}

/** The value of PATH, to find out what a bare name led to. */
export function searchPath(block: Buffer): string {
  const entries = `\0${block.toString('utf8')}`;
  return /\0PATH=([^\0]*)/.exec(entries)?.[1] ?? '';
}

/** Whether a variable that is not empty makes the program, or the interpreter that it is, load other code. */
export function loadsCode(name: string, value: () => string, interpreter: Interpreter | undefined): boolean {
  if (LOADS_CODE.test(name)) return !HARMLESS_LINKER.test(name);
  if (interpreter?.variables.test(name) !== true || interpreter.harmlessVariables.test(name)) return false;
  if (name !== 'NODE_OPTIONS') return true;
  const words = value().split(/\s+/).filter(Boolean);
  return !words.every((word) => HARMLESS_NODE_OPTION.test(word));
}
