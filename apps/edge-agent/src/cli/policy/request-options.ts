import { ACTIONS, type Action, type ParsedRequest, parseRequest, type WrittenRequest } from '@raypher/policy';
import { RaypherError } from '@raypher/shared';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { isLocalProvider, providerByHost } from '../../proxy/providers.ts';
import { parsePort } from '../global-options.ts';
import { mistakes, readSource } from './policy-file.ts';

/** What is asked about, from the command line. */
export interface RequestOptions {
  action?: Action;
  request?: string;
  at?: string;
  host?: string;
  port?: number;
  address?: string;
  method?: string;
  path?: string;
  provider?: string;
  model?: string;
  cost?: number;
  balance: Record<string, { spent: number; reserved: number }>;
  file?: string;
  device?: string;
  deviceClass?: string;
  command?: string;
  argument: string[];
  tool?: string;
  server?: string;
  ecosystem?: string;
  package?: string;
  packageVersion?: string;
  ageDays?: number;
  finding: { class: string; detector: string }[];
  unscannable?: boolean;
  agentId?: string;
  agentName?: string;
  user?: string;
  team?: string;
  label: Record<string, string>;
  library: string[];
  trust?: number;
  identity?: 'tpm' | 'software';
}

export function withRequestOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--action <action>', 'what is asked about; found out from the other options').choices(
        ACTIONS,
      ),
    )
    .option('--request <file>', 'the whole request, in YAML or JSON')
    .option('--at <instant>', 'when, as in 2027-01-31T22:30:00+01:00; now unless set')
    .option('--host <host>', 'network, model, data: where it goes')
    .option('--port <port>', 'network, model: port; 443 unless set', parsePort)
    .option('--address <ip>', 'network, model: the address that the host has')
    .option('--method <method>', 'network, model: HTTP method')
    .option('--path <path>', 'network, model: path of the URL')
    .option('--provider <id>', 'model, data: provider; found out from the host')
    .option('--model <name>', 'model, data: model that is called')
    .option('--cost <dollars>', 'model: the most that the call can cost', parseDollars)
    .addOption(
      new Option('--balance <limit=dollars...>', 'model: what is spent of a limit, as in month=12.5')
        .argParser(addBalance)
        .default({}, 'none is known'),
    )
    .option('--file <path>', 'file: an absolute path; read unless --action says otherwise')
    .option('--device <path>', 'device: as in /dev/video0')
    .option('--device-class <class>', 'device: as in camera')
    .option('--command <program>', 'process: the executable')
    .option('--argument <text...>', 'process, tool: arguments', [])
    .option('--tool <name>', 'tool: its name')
    .option('--server <name>', 'tool: the MCP server that offers it')
    .option('--ecosystem <name>', 'package: as in npm or pypi')
    .option('--package <name>', 'package: its name')
    .option('--package-version <version>', 'package: its version')
    .option('--age-days <days>', 'package: days since the version was published', parseNumber)
    .addOption(
      new Option('--finding <class:detector...>', 'data: what was found, as in credential:openai-api-key')
        .argParser((text: string, before: RequestOptions['finding']) => [...before, parseFinding(text)])
        .default([], 'nothing'),
    )
    .option('--unscannable', 'data: it could not be scanned')
    .option('--agent-id <id>', 'AI agent: its id')
    .option('--agent-name <name>', 'AI agent: its name')
    .option('--user <name>', 'AI agent: the account that it runs as')
    .option('--team <name>', 'AI agent: its team')
    .addOption(
      new Option('--label <key=value...>', 'AI agent: its labels')
        .argParser((text: string, before: Record<string, string>) => {
          const [key, value] = pair(text, 'key=value');
          return { ...before, [key]: value };
        })
        .default({}, 'none'),
    )
    .option('--library <name...>', 'AI agent: AI libraries that it uses', [])
    .option('--trust <score>', 'AI agent: trust score, 0 to 1000; not known unless set', parseNumber)
    .addOption(
      new Option('--identity <kind>', 'how the device proves who it is').choices(['tpm', 'software']),
    );
}

/**
 * The request that the options describe.
 *
 * @returns `undefined` when they describe none
 * @throws RaypherError `request/invalid` for one that is not whole, `policy/…` for mistakes in the file
 */
export function requestOf(options: RequestOptions): WrittenRequest | undefined {
  if (options.request !== undefined) {
    const parsed = parseRequest(readSource(options.request));
    if (!parsed.ok) throw mistakes(options.request, parsed.issues, 'See `raypher policy explain --help`.');
    return parsed.request;
  }
  const action = options.action ?? actionOf(options);
  if (action === undefined) return undefined;
  const parsed: ParsedRequest = parseRequest(JSON.stringify(written(action, options)));
  if (parsed.ok) return parsed.request;
  throw new RaypherError('request/invalid', parsed.issues.map(({ message }) => `${message}.`).join('\n'), {
    hint: 'See `raypher policy explain --help`.',
  });
}

function actionOf(options: RequestOptions): Action | undefined {
  if (options.finding.length > 0 || options.unscannable === true) return 'data.out';
  if (options.file !== undefined) return 'file.read';
  if (options.device !== undefined) return 'device.open';
  if (options.command !== undefined) return 'process.exec';
  if (options.tool !== undefined) return 'tool.call';
  if (options.package !== undefined) return 'package.install';
  if (options.host === undefined) return undefined;
  return options.model !== undefined && providerOf(options) !== undefined ? 'model.call' : 'network.connect';
}

function providerOf({ provider, host, port = 443 }: RequestOptions): string | undefined {
  return provider ?? (host === undefined ? undefined : providerByHost(host, port)?.id);
}

/** As a file of requests would say it; what is undefined is left out by JSON. */
function written(action: Action, options: RequestOptions): Record<string, unknown> {
  const { host, port, address, method, model, cost, balance, at, identity } = options;
  const context = { action, at, identity, agent: agentOf(options) };
  const isLocal = host !== undefined && isLocalProvider(host, port ?? 443);
  const localChoice = isLocal ? 'provider' : undefined;
  const reached = {
    host,
    port,
    address,
    localChoice,
    method,
    path: options.path,
    provider: providerOf(options),
    model,
  };
  switch (action) {
    case 'network.connect':
      return { ...context, ...reached };
    case 'model.call':
      return {
        ...context,
        ...reached,
        model: model ?? null,
        cost,
        ...(Object.keys(balance).length > 0 && { balances: balance }),
      };
    case 'file.read':
    case 'file.write':
    case 'file.delete':
      return { ...context, path: options.file };
    case 'process.exec':
      return { ...context, command: options.command, arguments: options.argument };
    case 'device.open':
      return { ...context, path: options.device, deviceClass: options.deviceClass ?? null };
    case 'tool.call':
      return { ...context, tool: options.tool, server: options.server, arguments: options.argument };
    case 'package.install':
      return {
        ...context,
        ecosystem: options.ecosystem,
        package: options.package,
        version: options.packageVersion,
        ageDays: options.ageDays,
      };
    case 'data.out':
    case 'data.in': {
      const findings = options.unscannable === true ? null : options.finding;
      return { ...context, host, provider: providerOf(options), model, findings };
    }
  }
}

function agentOf(options: RequestOptions): Record<string, unknown> {
  const { agentId = '', agentName = '', user = '', team, label, library, trust } = options;
  return { id: agentId, name: agentName, user, team, labels: label, libraries: library, trust };
}

function addBalance(text: string, before: RequestOptions['balance']): RequestOptions['balance'] {
  const [limit, spent] = pair(text, 'limit=dollars');
  return { ...before, [limit]: { spent: parseDollars(spent), reserved: 0 } };
}

function parseFinding(text: string): RequestOptions['finding'][number] {
  const [kind = '', ...detector] = text.split(':');
  if (kind === '' || detector.length === 0)
    throw new InvalidArgumentError('Write class:detector, as in credential:openai-api-key.');
  return { class: kind, detector: detector.join(':') };
}

function pair(text: string, form: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`Write ${form}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function parseNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new InvalidArgumentError('This is no number.');
  return number;
}

function parseDollars(text: string): number {
  const amount = parseNumber(text.replace(/^\$/, ''));
  if (amount < 0) throw new InvalidArgumentError('An amount is not negative.');
  return amount;
}
