import { type ConfigKey, configKeys } from './config-keys.ts';

const HEAD = `# Configuration of the Raypher edge agent. Every key is optional; what stands here behind a # is the default, or
# an example where there is none. Unknown keys are refused with their line. docs/cli.md says more.
# After a change: systemctl reload raypher (log.level, proxy.connect_to, interception, policy) or systemctl restart raypher (the rest).
`;

const WIDTH = 110;

/** The commented file that is installed as /etc/raypher/agent.toml, written from the schema. */
export function configTemplate(): string {
  const tables = Map.groupBy(configKeys(), ({ path }) => path.slice(0, -1).join('.'));
  return [HEAD, ...[...tables].map(([table, keys]) => writeTable(table, keys))].join('\n');
}

function writeTable(table: string, keys: readonly ConfigKey[]): string {
  const head = table === '' ? '' : `[${table}]\n`;
  return head + keys.map(writeKey).join('');
}

function writeKey({ path, description, example }: ConfigKey): string {
  return `${wrap(description)}\n#${path.at(-1)} = ${tomlValue(example)}\n`;
}

/** On one line: a table with a header of its own would end the one it is in. Strings are written as in JSON. */
function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)} = ${tomlValue(item)}`);
  return `{ ${entries.join(', ')} }`;
}

function wrap(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > WIDTH) lines.push(`# ${word}`);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('\n');
}
