import { basename } from 'node:path';
import { runtimeOf } from '../discovery/runtime.ts';

/** A program that runs other people's code: which one counts, not the program itself. */
export interface Interpreter {
  name: string;
  /** Words before the script that change nothing about which code runs. Everything else is refused. */
  harmlessOptions: RegExp;
  /** Words that must come first (`deno run`). */
  command: string | undefined;
  /** Options without which files from elsewhere take part. */
  requiredOptions: readonly string[];
  /** First words that are no file name to it. */
  reservedWords: readonly string[];
  /** Variables that make it run other code. */
  variables: RegExp;
  /** Of these, the ones that do not; for `NODE_OPTIONS` the value is read too. */
  harmlessVariables: RegExp;
  /** Finds its libraries by the path it was started with. */
  dependsOnLaunchPath: boolean;
}

type Kind = Interpreter['name'];

const NEVER = /^(?!)/;
const PLAIN: Omit<Interpreter, 'name'> = {
  harmlessOptions: NEVER,
  command: undefined,
  requiredOptions: [],
  reservedWords: [],
  variables: NEVER,
  harmlessVariables: NEVER,
  dependsOnLaunchPath: false,
};

const INTERPRETERS: readonly Interpreter[] = [
  {
    ...PLAIN,
    name: 'python',
    harmlessOptions: /^-[uBEIsSObdvq]+$/,
    variables: /^PYTHON/,
    harmlessVariables:
      /^PYTHON(UNBUFFERED|DONTWRITEBYTECODE|HASHSEED|IOENCODING|UTF8|NOUSERSITE|SAFEPATH|OPTIMIZE|FAULTHANDLER|ASYNCIODEBUG|INTMAXSTRDIGITS)$/,
    dependsOnLaunchPath: true,
  },
  {
    ...PLAIN,
    name: 'node',
    harmlessOptions:
      /^--(enable-source-maps|no-warnings|trace-warnings|trace-uncaught|max-old-space-size=\d+|max-semi-space-size=\d+|stack-size=\d+|)$/,
    reservedWords: ['inspect', 'debug'],
    variables: /^NODE_(OPTIONS|PATH|REPL_EXTERNAL_MODULE|COMPILE_CACHE|V8_COVERAGE)$/,
  },
  {
    ...PLAIN,
    name: 'deno',
    harmlessOptions: /^(-A|--allow-[a-z]+(=.*)?|--deny-[a-z]+(=.*)?|--no-config|--no-prompt|--quiet|-q)$/,
    command: 'run',
    // Otherwise a deno.json in any folder above decides what the imports are.
    requiredOptions: ['--no-config'],
    variables: /^DENO_/,
    harmlessVariables: /^DENO_(NO_PROMPT|NO_UPDATE_CHECK)$/,
  },
  {
    ...PLAIN,
    name: 'shell',
    harmlessOptions: /^-[eux]+$/,
    variables: /^(BASH_ENV|ENV|SHELLOPTS|BASHOPTS|PS4|KSH_ENV|BASH_FUNC_.*)$/,
  },
  { ...PLAIN, name: 'perl', harmlessOptions: /^-[wtT]+$/, variables: /^PERL/ },
  {
    ...PLAIN,
    name: 'ruby',
    harmlessOptions: /^-[wW]+$/,
    variables: /^(RUBY|GEM_|BUNDLE)/,
  },
  { ...PLAIN, name: 'php', variables: /^(PHPRC|PHP_INI_SCAN_DIR)$/ },
];

/** Files that run whatever they are given, in ways that are not told apart here. */
const LAUNCHERS =
  /^(ld-linux.*|ld-musl.*|ld\.so.*|busybox|toybox|env|sudo|su|doas|setpriv|chroot|nsenter|unshare|runuser|timeout|nice|nohup|xargs|find|parallel|socat|nc|ncat|netcat.*|gdb|strace|ltrace|lldb|make|java|dotnet|mono|erl|beam\.smp|elixir|lua[\d.]*|luajit|tclsh.*|wish.*|expect|R|Rscript|julia|ghc|guile|sbcl|emacs.*|vim?(\..*)?|nvim|ex|ed|g?awk|mawk|sed|bc|jshell|irb|python.*-config|uvx?|npx|pipx|deno-x|bunx?|curl|wget2?|openssl|telnet|websocat|php-cgi[\d.]*|php-fpm[\d.]*|phpdbg[\d.]*|qemu-.*|valgrind(\..*)?)$/;

const SHELLS = /^(sh|bash|rbash|dash|ash|ksh[\d.]*|mksh)$/;
/** Shells that read start files for every script, from wherever a variable of whoever starts them leads. */
const CONFIGURED_SHELLS = /^(zsh[\d.-]*|fish)$/;

/** @param executable base name of the file */
export function interpreterOf(executable: string): Interpreter | undefined {
  return byName(kindOf(executable.toLowerCase()));
}

/** @param name as an entry of the allow list keeps it */
export function byName(name: Kind | undefined): Interpreter | undefined {
  return INTERPRETERS.find((interpreter) => interpreter.name === name);
}

/** @returns why a program of this name is never allowed, in one clause */
export function neverAllowed(path: string): string | undefined {
  const name = basename(path);
  if (/^bunx?(-|$)/.test(name)) {
    return 'bun reads bunfig.toml from wherever it is started, which can load other code; compile the script with `bun build --compile` and allow the result';
  }
  if (CONFIGURED_SHELLS.test(name)) {
    return `${name} runs start files first, from wherever HOME or XDG_CONFIG_HOME lead; use sh or bash for the script`;
  }
  if (LAUNCHERS.test(name)) return `${name} runs or sends whatever it is told to`;
  return undefined;
}

function kindOf(name: string): Kind | undefined {
  if (SHELLS.test(name)) return 'shell';
  if (/^perl[\d.]*$/.test(name)) return 'perl';
  if (/^j?ruby[\d.]*$/.test(name)) return 'ruby';
  if (/^php[\d.]*$/.test(name)) return 'php';
  return runtimeOf(name);
}

export type ScriptInArguments = { script: string } | { fault: string };

/**
 * Which script an interpreter was started with. Strict where the inventory is curious: an option that is not
 * known to be harmless is taken for one that runs other code.
 *
 * @param argv with the interpreter itself first
 */
export function scriptOf(interpreter: Interpreter, argv: readonly string[]): ScriptInArguments {
  const rest = argv.slice(1);
  if (interpreter.command !== undefined && rest.shift() !== interpreter.command) {
    return { fault: `it was not started as \`${interpreter.name} ${interpreter.command}\`` };
  }
  const missing = new Set(interpreter.requiredOptions);
  for (const word of rest) {
    if (word === '' || word === '-') return { fault: 'its code came from its input' };
    if (!word.startsWith('-')) {
      if (interpreter.reservedWords.includes(word)) return { fault: `it was started with \`${word}\`` };
      const [option] = missing;
      return option === undefined ? { script: word } : { fault: `it was started without \`${option}\`` };
    }
    if (!interpreter.harmlessOptions.test(word)) {
      const name = word.startsWith('--') ? word.split('=', 1)[0] : word.slice(0, 2);
      return { fault: `its option \`${name}\` can run other code` };
    }
    missing.delete(word);
  }
  return { fault: 'it runs no script' };
}
