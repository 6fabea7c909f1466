import { readFileSync } from 'node:fs';
import {
  compilePolicy,
  decide,
  explain,
  type LayeredDocument,
  type PolicyIssue,
  type PolicyLayer,
  parsePolicy,
  withoutAnswer,
} from '@raypher/policy';
import { RaypherError } from '@raypher/shared';
import { Command, Option } from 'commander';
import { providerByHost } from '../proxy/providers.ts';
import { parsePort, withJson } from './global-options.ts';
import { print, printable } from './output.ts';

interface ExplainOptions {
  json?: boolean;
  layer: PolicyLayer;
  host: string;
  port: number;
  model?: string;
  library: string[];
  user: string;
}

const layerOption = new Option('--layer <layer>', 'which layer the document is for')
  .choices(['global', 'team', 'local'])
  .default('global');

const checkCommand = withJson(new Command('check'))
  .description('check policy documents; mistakes come with line and column')
  .argument('<files...>', 'YAML or JSON documents')
  .addOption(layerOption)
  .addHelpText(
    'after',
    '\nExample:\n  raypher policy check policy.yaml\n\nExit codes: 0 good, 4 no file, 9 mistakes.',
  )
  .action((files: string[], options: { json?: boolean; layer: PolicyLayer }) => {
    const results = files.map((file) => ({ file, issues: issuesOf(readSource(file), options.layer) }));
    const isGood = results.every(({ issues }) => issues.length === 0);
    print(results, options.json === true, () =>
      results.flatMap(({ file, issues }) =>
        issues.length === 0 ? [`${file}: good`] : issues.map((issue) => `${file}:${describe(issue)}`),
      ),
    );
    if (!isGood) process.exitCode = new RaypherError('policy/schema', '').exitCode;
  });

const explainCommand = withJson(new Command('explain'))
  .description('say what a policy document decides about a connection, and why')
  .argument('<file>', 'YAML or JSON document')
  .requiredOption('--host <host>', 'where the connection goes')
  .option('--port <port>', 'port', parsePort, 443)
  .option('--model <name>', 'model that is called')
  .option('--library <name...>', 'packages that the AI agent uses', [])
  .option('--user <name>', 'account that the AI agent runs as', '')
  .addOption(layerOption)
  .addHelpText(
    'after',
    `
Example:
  raypher policy explain policy.yaml --host api.deepseek.com --model deepseek-chat

Exit codes: 0 decided (whatever the verdict), 4 no file, 9 the document has mistakes.`,
  )
  .action((file: string, options: ExplainOptions) => {
    const snapshot = compilePolicy({ revision: 0, layers: [parseOrThrow(file, options.layer)] });
    const request = {
      action: 'network.connect' as const,
      host: options.host,
      port: options.port,
      provider: providerByHost(options.host, options.port)?.id,
      model: options.model,
      agent: { id: '', name: '', user: options.user, libraries: options.library },
    };
    const verdict = decide(snapshot, request);
    const explanation = explain(snapshot, request);
    print({ verdict, explanation }, options.json === true, () => [
      `${withoutAnswer(verdict.effective)}: rule ${verdict.effective.rule} (${verdict.effective.reason})`,
      ...(verdict.enforced
        ? []
        : [
            `In monitor mode. To be recorded: ${verdict.outcome} by rule ${verdict.rule} (${verdict.reason})`,
          ]),
      printable(JSON.stringify(explanation.layers)),
    ]);
  });

export const policyCommand = new Command('policy')
  .description('check and explain policy documents, without a service')
  .addCommand(checkCommand)
  .addCommand(explainCommand);

function readSource(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new RaypherError('request/not-found', `${file} cannot be read.`, { cause });
  }
}

function issuesOf(source: string, layer: PolicyLayer): readonly PolicyIssue[] {
  const parsed = parsePolicy(source, { layer });
  return parsed.ok ? [] : parsed.issues;
}

function parseOrThrow(file: string, layer: PolicyLayer): LayeredDocument {
  const parsed = parsePolicy(readSource(file), { layer });
  if (parsed.ok) return parsed;
  const [first] = parsed.issues;
  throw new RaypherError(
    first?.code ?? 'policy/schema',
    parsed.issues.map((issue) => `${file}:${describe(issue)}`).join('\n'),
    {
      hint: 'See `raypher policy check --help`.',
    },
  );
}

function describe({ line, column, message, suggestion }: PolicyIssue): string {
  return `${line}:${column}: ${message}${suggestion === undefined ? '' : ` (did you mean \`${suggestion}\`?)`}`;
}
