import { RaypherError } from '@raypher/shared/errors';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { closest } from './closest.ts';
import { ConfigFile } from './config.ts';
import { configKeys } from './config-keys.ts';
import { findKeyLine } from './key-line.ts';

/**
 * Reads one TOML file.
 *
 * @param name shown in errors, as `name:line`
 * @throws RaypherError `config/invalid` with every mistake, where it is, and a suggestion
 */
export function parseConfig(source: string, name: string): ConfigFile {
  const checked = ConfigFile.safeParse(readToml(source, name));
  if (checked.success) return checked.data;
  const problems = checked.error.issues.flatMap((issue) => describe(issue, source, name));
  throw new RaypherError('config/invalid', problems.map(({ text }) => text).join('\n'), {
    hint: problems.find(({ hint }) => hint !== undefined)?.hint ?? 'docs/cli.md lists every key.',
  });
}

function readToml(source: string, name: string): unknown {
  try {
    return parse(source);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [sentence = ''] = cause.message.split('\n');
    throw new RaypherError('config/invalid', `${name}:${cause.line}:${cause.column}: ${sentence}.`, {
      hint: 'The file must be TOML (https://toml.io).',
      cause,
    });
  }
}

function describe(
  issue: z.core.$ZodIssue,
  source: string,
  name: string,
): { text: string; hint: string | undefined }[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const suggestion = closest(key, knownKeys(path));
      return {
        text: `${name}:${findKeyLine(source, [...path, key])}: there is no key \`${[...path, key].join('.')}\`.`,
        hint: suggestion === undefined ? undefined : `Did you mean \`${[...path, suggestion].join('.')}\`?`,
      };
    });
  }
  const text = `${name}:${findKeyLine(source, path)}: \`${path.join('.')}\`: ${issue.message}.`;
  return [{ text, hint: undefined }];
}

/** The keys allowed in a table of the file. */
function knownKeys(table: readonly string[]): string[] {
  return configKeys()
    .filter(({ path }) => table.every((part, index) => path[index] === part))
    .flatMap(({ path }) => path.slice(table.length, table.length + 1));
}
