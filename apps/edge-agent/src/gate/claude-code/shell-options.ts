/** How a program that starts another one is told which: what comes before that program's name. */
interface WrapperOptions {
  /** Options without a value, or with one behind `=`: letters and long names. */
  readonly flags?: string;
  /** Options with a value, in the same word or the next. */
  readonly valued?: string;
  /** Letters whose value, if they have one, is in the same word. */
  readonly attached?: string;
  /** Words before the program. */
  readonly before?: number;
  /** Variables may be set before the program. */
  readonly assigns?: true;
  /** What they start is a line for a shell. */
  readonly isLine?: true;
}

/** Programs that start the program in their arguments. An option that is not here may do anything. */
const WRAPPERS: Readonly<Record<string, WrapperOptions>> = {
  sudo: {
    flags:
      'A b B E e H i K k l n N P S s v askpass background bell edit list login no-update non-interactive preserve-env preserve-groups remove-timestamp reset-timestamp set-home shell stdin validate',
    valued:
      'C D g h p R r T t u U chdir chroot close-from command-timeout group host other-user prompt role type user',
    assigns: true,
  },
  doas: { flags: 'L n s', valued: 'a u C' },
  pkexec: { flags: 'disable-internal-agent keep-cwd', valued: 'user' },
  env: {
    flags:
      'i 0 v block-signal debug default-signal ignore-environment ignore-signal list-signal-handling null',
    valued: 'u C a argv0 chdir unset',
    assigns: true,
  },
  nohup: {},
  setsid: { flags: 'c f w ctty fork wait' },
  time: { flags: 'a p q v append portability quiet verbose', valued: 'f o format output' },
  nice: { flags: '0 1 2 3 4 5 6 7 8 9', valued: 'n adjustment' },
  ionice: { flags: 't ignore', valued: 'c n p P u class classdata pgid pid uid' },
  chrt: { flags: 'a b d f i m o r R v', valued: 'D P T p', before: 1 },
  taskset: { flags: 'a c all-tasks cpu-list', valued: 'p pid', before: 1 },
  timeout: {
    flags: 'f p v foreground preserve-status verbose',
    valued: 'k s kill-after signal',
    before: 1,
  },
  stdbuf: { valued: 'i o e input output error' },
  command: { flags: 'p' },
  builtin: {},
  exec: { flags: 'c l', valued: 'a' },
  busybox: {},
  chroot: { flags: 'skip-chdir', valued: 'groups userspec', before: 1 },
  flock: {
    flags: 'e F n o s u x close exclusive nb no-fork nonblock shared unlock verbose',
    valued: 'E w conflict-exit-code timeout wait',
    before: 1,
  },
  strace: { flags: 'c C d D f F i k q r t T v w x y z Z', valued: 'a b e E I o O p P s S u U X' },
  unshare: {
    flags:
      'c C f i m n p r T u U cgroup fork ipc map-current-user map-root-user mount mount-proc net pid time user uts',
    valued: 'G R S w root setgid setuid wd',
  },
  watch: {
    flags: 'b c d e g p t w x beep chgexit color differences errexit exec no-title no-wrap precise',
    valued: 'n q equexit interval',
    isLine: true,
  },
  xargs: {
    flags:
      '0 o p r t x eof exit interactive max-lines no-run-if-empty null open-tty replace show-limits verbose',
    valued: 'a d E I L n P s arg-file delimiter max-args max-chars max-procs process-slot-var',
    attached: 'e i l',
  },
};

const ASSIGNMENT = /^[A-Za-z_]\w*=/;

/** Where the program begins in the words behind a wrapper; undefined when that cannot be told. */
export interface Wrapped {
  readonly at: number | undefined;
  readonly isLine: boolean;
}

/** @returns undefined for a program that starts no other */
export function wrappedBy(name: string, given: readonly string[]): Wrapped | undefined {
  const wrapper = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name] : undefined;
  if (wrapper === undefined) return undefined;
  const isLine = wrapper.isLine === true;
  let left = wrapper.before ?? 0;
  let at = 0;
  for (; at < given.length; at += 1) {
    const word = given[at] ?? '';
    if (word === '--') continue;
    if (word.startsWith('-') && word !== '-') {
      const taken = wordsOf(word, wrapper);
      if (taken === undefined) return { at: undefined, isLine };
      at += taken;
    } else if (wrapper.assigns === true && ASSIGNMENT.test(word)) {
      // It sets a variable.
    } else if (left > 0) left -= 1;
    else break;
  }
  return { at, isLine };
}

/** How many of the words behind an option are its value; undefined for one that is not known. */
function wordsOf(option: string, { flags, valued, attached }: WrapperOptions): 0 | 1 | undefined {
  const isFlag = setOf(flags);
  const isValued = setOf(valued);
  if (option.startsWith('--')) {
    const [name = ''] = option.slice(2).split('=', 1);
    if (option.includes('=')) return isFlag.has(name) || isValued.has(name) ? 0 : undefined;
    return isValued.has(name) ? 1 : isFlag.has(name) ? 0 : undefined;
  }
  for (let letter = 1; letter < option.length; letter += 1) {
    const name = option[letter] ?? '';
    if (isValued.has(name)) return letter === option.length - 1 ? 1 : 0;
    if (setOf(attached).has(name)) return 0;
    if (!isFlag.has(name)) return undefined;
  }
  return 0;
}

const SETS = new Map<string, ReadonlySet<string>>();

function setOf(names = ''): ReadonlySet<string> {
  const known = SETS.get(names) ?? new Set(names.split(' '));
  SETS.set(names, known);
  return known;
}

/** What a shell is told to run: a line, what comes on its standard input, or a file. `unknown`: no telling. */
export type ShellRuns =
  | { readonly kind: 'line'; readonly at: number }
  | { readonly kind: 'file'; readonly at: number }
  | { readonly kind: 'input' }
  | { readonly kind: 'unknown' };

const SHELL_FLAGS = new Set(
  '--login --noediting --noprofile --norc --posix --restricted --verbose'.split(' '),
);
const SHELL_VALUED = new Set(['--rcfile', '--init-file']);

/** Options of sh, bash, dash, ksh and zsh: `-o NAME` takes a word, in a cluster too, and may stand behind `-c`. */
export function shellRuns(name: string, given: readonly string[]): ShellRuns {
  let isLine = false;
  let isInput = false;
  let at = 0;
  for (; at < given.length; at += 1) {
    const word = given[at] ?? '';
    if (word === '--' || word === '-') {
      at += 1;
      break;
    }
    if (word.startsWith('--')) {
      if (SHELL_VALUED.has(word)) at += 1;
      else if (!SHELL_FLAGS.has(word)) return { kind: 'unknown' };
    } else if (/^[-+][A-Za-z]+$/.test(word)) {
      // Of fish, other letters are other things, some of them lines.
      if (name === 'fish' && !/^-[cilnNP]+$/.test(word)) return { kind: 'unknown' };
      const letters = word.slice(1);
      isLine ||= word.startsWith('-') && letters.includes('c');
      isInput ||= letters.includes('s');
      at += letters.replace(/[^oO]/g, '').length;
    } else break;
  }
  if (at >= given.length) return isLine ? { kind: 'unknown' } : { kind: 'input' };
  if (isLine) return { kind: 'line', at };
  return isInput || STANDARD_INPUT.test(given[at] ?? '') ? { kind: 'input' } : { kind: 'file', at };
}

/** As a file that is run. */
export const STANDARD_INPUT = /^\/(?:dev\/stdin|(?:dev|proc\/[^/]+)\/fd\/\d+)$/;
