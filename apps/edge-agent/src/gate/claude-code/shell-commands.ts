import { type Command, forEachChild, parse, type SyntaxNode, type Word, type WordPart } from 'unbash';

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

/**
 * Programs that start the program in their arguments: options of theirs that take a value, and how many words come
 * before that program.
 */
const WRAPPERS: Readonly<Record<string, { options: string; before?: number }>> = {
  sudo: { options: '-u -g -h -p -C -r -t -T -U --user --group' },
  doas: { options: '-u -C' },
  env: { options: '-u -C --unset --chdir' },
  nohup: { options: '' },
  setsid: { options: '' },
  time: { options: '-f -o' },
  nice: { options: '-n --adjustment' },
  ionice: { options: '-c -n --class --classdata' },
  timeout: { options: '-k -s --kill-after --signal', before: 1 },
  stdbuf: { options: '-i -o -e' },
  command: { options: '' },
  builtin: { options: '' },
  exec: { options: '-a' },
  busybox: { options: '' },
  chroot: { options: '', before: 1 },
  xargs: { options: '-I -i -n -P -L -l -s -a -d -E --max-args --max-procs --replace --arg-file --delimiter' },
};

/** `command -v ls` starts nothing. */
const ONLY_ASKS = /^(?:-v|-V|--version|--help)$/;
const ASSIGNMENT = /^[A-Za-z_]\w*=/;
const FIND_EXECUTES = new Set(['-exec', '-execdir', '-ok', '-okdir']);
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
  if (given[0] !== undefined && ONLY_ASKS.test(given[0].value)) return;
  if (SHELLS.has(name)) startShell(given, input, actions, depth);
  else if (name === 'eval') readTexts(given, actions, depth);
  else if (name === 'trap') readTexts(given.slice(0, 1), actions, depth);
  else if (name === 'find' || name === 'fd') startFound(given, actions, depth);
  else if (Object.hasOwn(WRAPPERS, name)) startWrapped(name, given, input, actions, depth);
}

function startShell(
  given: readonly Text[],
  input: Text | undefined,
  actions: ShellActions,
  depth: number,
): void {
  const at = given.findIndex(({ value }) => /^-[a-zA-Z]*c[a-zA-Z]*$/.test(value));
  const first = given.findIndex(({ value }) => !/^[-+]/.test(value));
  if (at !== -1 && (first === -1 || at < first)) {
    const script = given.slice(at + 1).find(({ value }) => !/^[-+]/.test(value));
    if (script !== undefined) readTexts([script], actions, depth);
    return;
  }
  // A file that it runs is a program like any other.
  if (first !== -1 && !given.some(({ value }) => value === '-s')) return;
  if (input === undefined) actions.isReadable = false;
  else readTexts([input], actions, depth);
}

function startFound(given: readonly Text[], actions: ShellActions, depth: number): void {
  given.forEach(({ value }, at) => {
    if (!FIND_EXECUTES.has(value)) return;
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
  const { options = '', before = 0 } = WRAPPERS[name] ?? {};
  const takesValue = new Set(options.split(' '));
  let at = 0;
  let left = before;
  for (; at < given.length; at += 1) {
    const { value = '' } = given[at] ?? {};
    // `env -S` splits a text into words, as a shell would not.
    if (name === 'env' && /^(?:-\w*S|--split-string)/.test(value)) actions.isReadable = false;
    if (value === '--') continue;
    if (value.startsWith('-') && value !== '-') {
      if (takesValue.has(value)) at += 1;
    } else if (ASSIGNMENT.test(value) && (name === 'env' || name === 'sudo')) {
      // It sets a variable.
    } else if (left > 0) left -= 1;
    else break;
  }
  const inner = given.slice(at);
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
