import { Command } from 'commander';
import { closest } from '../config/closest.ts';

/** Gives a group of commands a `help` that, unlike commander's own, refuses what is no command. */
export function addHelpCommand(group: Command): void {
  group.helpCommand(false).addCommand(
    new Command('help')
      .description('display help for command')
      .argument('[command...]', 'the command')
      .action((names: string[]) => showHelp(group, names)),
  );
}

async function showHelp(group: Command, [name, ...rest]: readonly string[]): Promise<void> {
  if (name === undefined || group.commands.length === 0) return group.help();
  const found = group.commands.find((child) => child.name() === name || child.aliases().includes(name));
  if (found !== undefined) return showHelp(found, rest);
  // What it says to an unknown command, with the one that was probably meant.
  await group.parseAsync([name], { from: 'user' });
}

/** For a group with a default, which would take an unknown command for an argument of that one. */
export function refuseUnknown(group: Command): Command {
  return group.hook('preSubcommand', (_, taken) => {
    const [word] = group.args;
    if (word === undefined || word.startsWith('-') || word === taken.name()) return;
    const meant = closest(
      word,
      group.commands.map((child) => child.name()),
    );
    const suggestion = meant === undefined ? '' : `\n(Did you mean ${meant}?)`;
    group.error(`error: unknown command '${word}'${suggestion}`, { code: 'commander.unknownCommand' });
  });
}
