import { RaypherError } from '@raypher/shared';
import { type Command, CommanderError } from 'commander';

// Node announces that its SQLite module is young; that is our concern, not that of whoever runs a command.
const announce = process.emitWarning.bind(process);
process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
  if (String(warning).startsWith('SQLite is an experimental feature')) return;
  Reflect.apply(announce, process, [warning, ...rest]);
};

// `raypher logs -f | head` closes the pipe: that is how it is meant to end. A verdict stays what it is.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

// `raypher 2>&1 | head` closes it too; what went wrong still decides how this ends.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

/** Usage mistakes that commander has already printed. */
const USAGE = 2;

/** The command line for people. Its failures become exit codes. */
export async function runCommandLine(): Promise<void> {
  try {
    // Imported only now, because modules announce themselves while they load.
    const { buildProgram } = await import('./program.ts');
    const { addHelpCommand } = await import('./help-command.ts');
    const program = await buildProgram(process.argv.slice(2));
    for (const command of [program, ...program.commands]) {
      if (command.commands.length > 0) addHelpCommand(command);
    }
    for (const command of [program, ...program.commands.flatMap((child) => [child, ...child.commands])]) {
      command.exitOverride();
      command.showHelpAfterError(`Run \`${pathOf(command)} --help\`.`);
      command.configureOutput({
        outputError: (text, write) => write(text.replace(/^error: /, 'raypher: ')),
      });
    }
    await program.parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** @example 'raypher policy check' */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  if (error instanceof RaypherError) {
    process.stderr.write(`raypher: ${error.message}\n`);
    if (error.hint !== undefined) process.stderr.write(`${error.hint}\n`);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`raypher: something unexpected happened: ${message}\n`);
  if (process.env.RAYPHER_DEBUG !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  } else {
    process.stderr.write('Set RAYPHER_DEBUG=1 to see where.\n');
  }
  return new RaypherError('internal/unexpected', message, { cause: error }).exitCode;
}
