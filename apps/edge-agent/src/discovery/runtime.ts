/** A language runtime that this agent can tell what it runs. */
export type Runtime = 'python' | 'node' | 'deno' | 'bun';

/** What a runtime was told to run. */
export type Program =
  | { kind: 'script'; path: string; arguments: readonly string[] }
  | { kind: 'module'; name: string; arguments: readonly string[] }
  /** -c, -e, stdin or interactive */
  | { kind: 'inline'; flag: string; code: string };

/** @param executable base name of the executable */
export function runtimeOf(executable: string): Runtime | undefined {
  const name = executable.toLowerCase().replace(/\.exe$/, '');
  if (/^(python|pypy)(\d+(\.\d+)*)?t?d?(-dbg)?$/.test(name)) return 'python';
  if (/^(node|nodejs)(-?\d+(\.\d+)*)?$/.test(name)) return 'node';
  if (/^deno(-?\d+(\.\d+)*)?$/.test(name)) return 'deno';
  if (/^bunx?(-?\d+(\.\d+)*)?$/.test(name)) return 'bun';
  return undefined;
}

/** Options of Node.js that take their value as the next argument (node --help, "=..." ones written apart). */
const NODE_VALUED = new Set([
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
  '--title',
  '--env-file',
  '--env-file-if-exists',
  '--input-type',
  '--inspect-port',
  '--debug-port',
  '--icu-data-dir',
  '--openssl-config',
  '--redirect-warnings',
  '--trace-event-categories',
  '--watch-path',
  '--test-reporter',
  '--test-name-pattern',
  '--diagnostic-dir',
  '--dns-result-order',
  '--disable-warning',
  '--unhandled-rejections',
  '--experimental-default-type',
  '--max-http-header-size',
  '--secure-heap',
  '--tls-cipher-list',
]);
const DENO_VALUED = new Set([
  '-c',
  '--config',
  '--import-map',
  '--lock',
  '-L',
  '--log-level',
  '--cert',
  '--location',
  '--seed',
  '--port',
  '--host',
]);
const BUN_VALUED = new Set([
  '-c',
  '--config',
  '--cwd',
  '-r',
  '--preload',
  '--env-file',
  '-d',
  '--define',
  '--port',
]);

/**
 * Reads a runtime's own command line, the way the runtime does: the first argument that is no option is the
 * script, everything after it belongs to the program.
 *
 * @param argv with the runtime itself first
 */
export function parseProgram(runtime: Runtime, argv: readonly string[]): Program {
  const rest = argv.slice(1);
  switch (runtime) {
    case 'python':
      return parsePython(rest);
    case 'node':
      return parseNode(rest);
    case 'deno':
      return parseSubcommand(rest, DENO_VALUED, ['run', 'serve', 'test', 'bench'], ['eval', 'repl']);
    case 'bun':
      return parseSubcommand(
        rest,
        BUN_VALUED,
        ['run', 'test', 'x'],
        ['repl', '-e', '--eval', '-p', '--print'],
      );
  }
}

function parsePython(rest: readonly string[]): Program {
  for (let index = 0; index < rest.length; index += 1) {
    const argument = rest[index] ?? '';
    if (argument === '-' || argument === '') return { kind: 'inline', flag: '-', code: '' };
    if (argument === '--check-hash-based-pycs') index += 1;
    if (argument.startsWith('--')) continue;
    if (!argument.startsWith('-'))
      return { kind: 'script', path: argument, arguments: rest.slice(index + 1) };
    // Short options may be joined: -Im module, -ucprint(1), -Werror.
    const letters = argument.slice(1);
    const at = letters.search(/[cmWX]/);
    if (at < 0) continue;
    const joined = letters.slice(at + 1);
    const value = joined === '' ? (rest[index + 1] ?? '') : joined;
    const after = rest.slice(joined === '' ? index + 2 : index + 1);
    if (letters[at] === 'c') return { kind: 'inline', flag: '-c', code: value };
    if (letters[at] === 'm') return { kind: 'module', name: value, arguments: after };
    if (joined === '') index += 1;
  }
  return { kind: 'inline', flag: '-', code: '' };
}

function parseNode(rest: readonly string[]): Program {
  for (let index = 0; index < rest.length; index += 1) {
    const argument = rest[index] ?? '';
    if (argument === '-' || argument === '') return { kind: 'inline', flag: '-', code: '' };
    if (argument === '--') return scriptAt(rest, index + 1);
    const evaluate = /^(?:-p?e|-p|--eval|--print)(?:=([\s\S]*))?$/.exec(argument);
    if (evaluate !== null) return { kind: 'inline', flag: '-e', code: evaluate[1] ?? rest[index + 1] ?? '' };
    if (!argument.startsWith('-')) return scriptAt(rest, argument === 'inspect' ? index + 1 : index);
    if (NODE_VALUED.has(argument)) index += 1;
  }
  return { kind: 'inline', flag: '-', code: '' };
}

function parseSubcommand(
  rest: readonly string[],
  valued: ReadonlySet<string>,
  runs: readonly string[],
  evaluates: readonly string[],
): Program {
  let seenRun = false;
  for (let index = 0; index < rest.length; index += 1) {
    const argument = rest[index] ?? '';
    if (argument === '-') return { kind: 'inline', flag: '-', code: '' };
    if (!seenRun && evaluates.includes(argument)) {
      return { kind: 'inline', flag: argument, code: rest[index + 1] ?? '' };
    }
    if (!seenRun && runs.includes(argument)) {
      seenRun = true;
      continue;
    }
    if (!argument.startsWith('-')) return scriptAt(rest, index);
    if (valued.has(argument)) index += 1;
  }
  return { kind: 'inline', flag: '-', code: '' };
}

function scriptAt(rest: readonly string[], index: number): Program {
  const path = rest[index];
  if (path === undefined) return { kind: 'inline', flag: '-', code: '' };
  return { kind: 'script', path, arguments: rest.slice(index + 1) };
}
