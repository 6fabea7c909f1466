import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Words {
  command: string;
  description: string;
  /** What may follow: options and commands below it. */
  words: string[];
  children: Words[];
}

/** Written from the commands themselves, so that it knows what they know. */
export function completionScript(shell: Shell, program: Command): string {
  const commands = program.commands.map(wordsOf);
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return `#compdef raypher\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
    case 'fish':
      return fish(commands);
  }
}

function wordsOf(command: Command): Words {
  return {
    command: command.name(),
    description: command.description(),
    words: [
      ...command.commands.map((child) => child.name()),
      ...command.options.flatMap(({ long }) => long ?? []),
      '--help',
    ],
    children: command.commands.map(wordsOf),
  };
}

function bash(commands: readonly Words[]): string {
  const cases = commands
    .flatMap(({ command, words, children }) => [
      // The more special pattern first; what is being typed is no command yet.
      ...children.map((child) => `    "${command} ${child.command} "*) words="${child.words.join(' ')}" ;;`),
      `    "${command} "*) words="${words.join(' ')}" ;;`,
    ])
    .join('\n');
  return `_raypher() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  case "\${COMP_WORDS[*]:1:COMP_CWORD - 1} " in
${cases}
    *) words="" ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${commands.map(({ command }) => command).join(' ')} --help --version"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _raypher raypher
`;
}

function fish(commands: readonly Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const complete = (when: string, word: string): string =>
    `complete -c raypher -n '${when}' ${word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`}`;
  const lines = commands.flatMap(({ command, description, words, children }) => [
    `complete -c raypher -n __fish_use_subcommand -f -a ${command} -d ${quote(description)}`,
    ...words.map((word) => complete(`__fish_seen_subcommand_from ${command}`, word)),
    ...children.flatMap((child) =>
      child.words.map((word) =>
        complete(
          `__fish_seen_subcommand_from ${command}; and __fish_seen_subcommand_from ${child.command}`,
          word,
        ),
      ),
    ),
  ]);
  return `${lines.join('\n')}\n`;
}
