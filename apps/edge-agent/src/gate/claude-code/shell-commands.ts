import {
  type Assignment,
  type Command,
  forEachChild,
  parse,
  type SyntaxNode,
  type Word,
  type WordPart,
} from 'unbash';
import { loadsCode } from '../../callers/environment.ts';
import { byName } from '../../callers/interpreters.ts';
import { STANDARD_INPUT, shellRuns, wrappedBy } from './shell-options.ts';

/** One program that a command line starts. */
export interface ShellCommand {
  command: string;
  /** `null`: they depend on variables or on what other commands print. */
  arguments: readonly string[] | null;
}

/** What a command line does, as far as its text says. */
export interface ShellActions {
  commands: ShellCommand[];
  /** Files that the shell itself opens. */
  files: { path: string; access: 'read' | 'write' }[];
  /** Something of it cannot be known before it runs: the name of a program, a script that is put together. */
  isReadable: boolean;
}

interface Text {
  value: string;
  /** Whether the text says it all. */
  isKnown: boolean;
}

const SHELLS = new Set(['sh', 'bash', 'dash', 'zsh', 'ksh', 'ash', 'fish']);
/** They start what nobody reads here: lines among their arguments, each in a way of its own. */
const UNREAD =
  /^(?:\/(?:usr\/)?(?:local\/)?s?bin\/)?(?:su|runuser|script|parallel|ltrace|nsenter|setpriv|systemd-run)$|(?:^|\/)ld-(?:linux|musl)[^/]*$/;
const SUBSTITUTION = /\$\(|`/;
const QUOTED_SUBSTITUTION = /'[^']*(?:\$\(|`)|\\(?:\$\(|`)/;

/** Arguments with which builtins run, or have run later, what stands in them. */
const EVALUATED: Readonly<Record<string, RegExp>> = {
  let: SUBSTITUTION,
  mapfile: /^-\w*C/,
  readarray: /^-\w*C/,
  alias: /=/,
  hash: /^-\w*p/,
  enable: /^-\w*f/,
  // What stands in brackets, substitutions in it included.
  ...Object.fromEntries(
    '[ declare export local printf read readonly test typeset unset'
      .split(' ')
      .map((name) => [name, /\[[^\]]*(?:\$\(|`)/]),
  ),
};
/** They set variables that they are given. */
const SETS = new Set('declare env export local readonly sudo typeset'.split(' '));

/** `sudo --version` starts nothing, and neither does `command -v ls`. */
const ONLY_ASKS = /^--(?:version|help)$/;
/** `trap -p`. */
const ONLY_LISTS = /^-[lp]+$/;
const ONLY_LOOKS_UP = /^-p*[vV][pvV]*$/;
const FIND_EXECUTES = /^-(?:exec|ok)(?:dir)?$/;
const FD_EXECUTES = /^(?:-[A-Za-z]*[xX]|--exec(?:-batch)?)$/;
const MOST_COMMANDS = 256;
const DEEPEST = 8;

/**
 * The programs that a command line starts: in pipes, lists, subshells, functions and substitutions, behind `sudo`
 * and its kin, and in the scripts of `sh -c`, `eval`, `trap` and here-documents.
 */
export function shellActions(line: string): ShellActions {
  const actions: ShellActions = { commands: [], files: [], isReadable: true };
  readScript(line, actions, 0);
  return actions;
}

function readScript(source: string, actions: ShellActions, depth: number): void {
  if (depth > DEEPEST || source.length > 65_536) {
    actions.isReadable = false;
    return;
  }
  const visit = (node: SyntaxNode): void => {
    if (node.type === 'Script' && (node.errors?.length ?? 0) > 0) actions.isReadable = false;
    if (node.type === 'Command') readCommand(node, actions, depth);
    if (node.type === 'Redirect') readRedirect(node, actions);
    if (isEvaluatedLater(node)) actions.isReadable = false;
    forEachChild(node, visit);
  };
  visit(parse(source));
  if (actions.commands.length > MOST_COMMANDS) actions.isReadable = false;
}

function readCommand(node: Command, actions: ShellActions, depth: number): void {
  if (node.name === undefined) return;
  const words = [node.name, ...node.args.map((word) => (word.type === 'Word' ? word : word.text))];
  const texts = words.map(
    (word): Text => (typeof word === 'string' ? { value: word, isKnown: !/[$`]/.test(word) } : textOf(word)),
  );
  const input = node.redirects.flatMap((redirect) => {
    if (redirect.type === 'HereDoc') {
      const isKnown = redirect.delimiter?.quoted === true || (redirect.body.parts ?? []).every(isStatic);
      return [{ value: redirect.body.text, isKnown }];
    }
    return redirect.type === 'HereString' && redirect.target !== undefined ? [textOf(redirect.target)] : [];
  });
  start(texts, input.at(-1), actions, depth);
}

/** A program with its arguments, and what it starts in turn. */
function start(words: readonly Text[], input: Text | undefined, actions: ShellActions, depth: number): void {
  const [program, ...given] = words;
  if (program === undefined) return;
  if (!program.isKnown || depth > DEEPEST) {
    actions.isReadable = false;
    return;
  }
  const name = program.value.slice(program.value.lastIndexOf('/') + 1);
  actions.commands.push({
    command: program.value,
    arguments: given.every(({ isKnown }) => isKnown) ? given.map(({ value }) => value) : null,
  });
  const [first] = given;
  if (first !== undefined && ONLY_ASKS.test(first.value)) return;
  if (name === 'command' && given.some(({ value }) => ONLY_LOOKS_UP.test(value))) return;
  // No program is called like an option: what comes before it was read in another way than it will be.
  if (name.startsWith('-') || UNREAD.test(program.value) || evaluates(name, given))
    actions.isReadable = false;
  else if (SHELLS.has(name)) startShell(name, given, input, actions, depth);
  else if (name === 'eval') readTexts(withoutEnd(given), actions, depth);
  else if (name === 'trap')
    readTexts(withoutEnd(given).slice(0, ONLY_LISTS.test(first?.value ?? '') ? 0 : 1), actions, depth);
  else if (name === 'source' || name === '.') startSourced(withoutEnd(given), input, actions, depth);
  else if (name === 'find') startFound(given, FIND_EXECUTES, actions, depth);
  else if (name === 'fd' || name === 'fdfind') startFound(given, FD_EXECUTES, actions, depth);
  else startWrapped(name, given, input, actions, depth);
}

function withoutEnd(given: readonly Text[]): readonly Text[] {
  return given[0]?.value === '--' ? given.slice(1) : given;
}

/** `let`, `printf -v 'a[$(id)]'` and their kin run what stands in quotes. */
function evaluates(name: string, given: readonly Text[]): boolean {
  const pattern = Object.hasOwn(EVALUATED, name) ? EVALUATED[name] : undefined;
  return given.some(({ value }) => {
    if (pattern?.test(value) === true) return true;
    const equals = SETS.has(name) ? value.indexOf('=') : -1;
    return equals > 0 && makesLoad(value.slice(0, equals), value.slice(equals + 1));
  });
}

/** The programs behind it may be any. `ENV` is read by shells that talk to a person, and is many a program's own. */
function makesLoad(name: string, value: string): boolean {
  if (name === 'ENV' || value === '') return false;
  return ['shell', 'node'].some((interpreter) => loadsCode(name, () => value, byName(interpreter)));
}

/** Quoted text that a variable or a comparison of numbers may still have run, and code that a variable has loaded. */
function isEvaluatedLater(node: SyntaxNode): boolean {
  switch (node.type) {
    case 'Assignment':
      return wordsOf(node).some((word) => makesLoad(node.name, word.value) || quotesSubstitution(word));
    case 'TestUnary':
      return quotesSubstitution(node.operand);
    case 'TestBinary':
      return quotesSubstitution(node.left) || quotesSubstitution(node.right);
    case 'ArithmeticCommand':
      return QUOTED_SUBSTITUTION.test(node.body);
    case 'ArithmeticExpansion':
      return QUOTED_SUBSTITUTION.test(node.text);
    default:
      return false;
  }
}

function wordsOf({ value, index }: Assignment): Word[] {
  const words = value.type === 'Word' ? [value] : value.elements;
  return index === undefined ? [...words] : [...words, index];
}

function quotesSubstitution({ value, parts }: Word): boolean {
  return parts === undefined ? SUBSTITUTION.test(value) : parts.some(partQuotesSubstitution);
}

function partQuotesSubstitution(part: WordPart): boolean {
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return SUBSTITUTION.test(part.value);
    case 'Glob':
      return SUBSTITUTION.test(part.text.replaceAll('\\', ''));
    case 'DoubleQuoted':
    case 'LocaleString':
      return part.parts.some(partQuotesSubstitution);
    default:
      return false;
  }
}

function startShell(
  name: string,
  given: readonly Text[],
  input: Text | undefined,
  actions: ShellActions,
  depth: number,
): void {
  const runs = shellRuns(
    name,
    given.map(({ value }) => value),
  );
  if (runs.kind === 'line') readTexts(given.slice(runs.at, runs.at + 1), actions, depth);
  // A file that it runs is a program like any other; what begins with a variable may be an option.
  else if (runs.kind === 'file') actions.isReadable &&= !/^[$`<]/.test(given[runs.at]?.value ?? '');
  else if (runs.kind === 'unknown' || input === undefined) actions.isReadable = false;
  else readTexts([input], actions, depth);
}

/** What another program prints is no file. */
function startSourced(
  [file]: readonly Text[],
  input: Text | undefined,
  actions: ShellActions,
  depth: number,
): void {
  if (file === undefined) return;
  if (STANDARD_INPUT.test(file.value)) {
    if (input === undefined) actions.isReadable = false;
    else readTexts([input], actions, depth);
  } else if (file.value.startsWith('<(')) actions.isReadable = false;
}

function startFound(given: readonly Text[], executes: RegExp, actions: ShellActions, depth: number): void {
  given.forEach(({ value }, at) => {
    if (value.startsWith('--exec') && value.includes('=')) actions.isReadable = false;
    if (!executes.test(value)) return;
    const rest = given.slice(at + 1);
    const end = rest.findIndex((word) => word.value === ';' || word.value === '+');
    start(end === -1 ? rest : rest.slice(0, end), undefined, actions, depth + 1);
  });
}

function startWrapped(
  name: string,
  given: readonly Text[],
  input: Text | undefined,
  actions: ShellActions,
  depth: number,
): void {
  const wrapped = wrappedBy(
    name,
    given.map(({ value }) => value),
  );
  if (wrapped === undefined) return;
  if (wrapped.at === undefined) {
    actions.isReadable = false;
    return;
  }
  const inner = given.slice(wrapped.at);
  if (wrapped.isLine) {
    readTexts(inner, actions, depth);
    return;
  }
  // What xargs adds comes from its input.
  const words = name === 'xargs' && inner.length > 0 ? [...inner, { value: '', isKnown: false }] : inner;
  start(words, input, actions, depth + 1);
}

function readTexts(texts: readonly Text[], actions: ShellActions, depth: number): void {
  if (texts.every(({ isKnown }) => isKnown)) {
    readScript(texts.map(({ value }) => value).join(' '), actions, depth + 1);
  } else actions.isReadable = false;
}

function readRedirect(node: Extract<SyntaxNode, { type: 'Redirect' }>, actions: ShellActions): void {
  const { operator, target } = node;
  if (target === undefined) return;
  const { value, isKnown } = textOf(target);
  const isDescriptor = (operator === '>&' || operator === '<&') && /^(?:\d+-?|-)$/.test(value);
  if (isDescriptor || value === '/dev/null') return;
  if (!isKnown) actions.isReadable = false;
  else actions.files.push({ path: value, access: operator.startsWith('<') ? 'read' : 'write' });
  if (operator === '<>' && isKnown) actions.files.push({ path: value, access: 'write' });
}

function textOf(word: Word): Text {
  return { value: word.value, isKnown: (word.parts ?? []).every(isStatic) };
}

/** Which files a pattern names is known to the shell alone. */
function isStatic(part: WordPart): boolean {
  switch (part.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      return true;
    case 'DoubleQuoted':
    case 'LocaleString':
      return part.parts.every(isStatic);
    default:
      return false;
  }
}
