import { Argument, Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../setup/completion-script.ts';

export const completionCommand = new Command('completion')
  .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
  .addHelpText(
    'after',
    `
Examples:
  raypher completion bash > /etc/bash_completion.d/raypher
  raypher completion zsh > "\${fpath[1]}/_raypher"
  raypher completion fish > ~/.config/fish/completions/raypher.fish

Exit codes: 0 printed, 2 another shell.`,
  )
  .action((shell: Shell, _options: unknown, command: Command) => {
    const { parent } = command;
    if (parent !== null) process.stdout.write(completionScript(shell, parent));
  });
