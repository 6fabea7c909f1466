import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERROR_CODES } from '@raypher/shared';
import { type Command, Help } from 'commander';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MAIN, TEST_ENVIRONMENT } from '../testing/command-line.ts';
import { TestControlPlane } from '../testing/test-control-plane.ts';
import { printable, table } from './output.ts';
import { buildProgram, COMMANDS } from './program.ts';
import { environment } from './run.ts';

/** Starting a process takes long on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'raypher-cli-'));
const dataDir = join(folder, 'agent');
let plane: TestControlPlane;

beforeAll(async () => {
  plane = await TestControlPlane.start();
});
afterAll(() => plane.stop());

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    // On a machine with a TPM these tests shall leave it alone; enroll.test.ts has one of its own.
    env: {
      PATH: process.env.PATH,
      ...TEST_ENVIRONMENT,
      HOME: folder,
      RAYPHER_IDENTITY_KEY: 'software',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = start(args, env);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

/** What a command prints for --help. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

test('help names every command, teaches a first step and lists the exit codes', async () => {
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  for (const name of Object.keys(COMMANDS)) expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'));
  for (const exit of new Set(Object.values(ERROR_CODES).map((entry) => entry.exit))) {
    expect(stdout).toContain(`${exit} `);
  }
});

test('a command is loaded when it is asked for by name, and none when nobody knows which', async () => {
  const loaded = async (...words: string[]) => {
    const { commands } = await buildProgram(words);
    return commands
      .filter(({ options, commands: below }) => options.length + below.length > 0)
      .map((command) => command.name());
  };
  expect(await loaded('freeze', '--all')).toEqual(['freeze']);
  expect(await loaded('--jsn', 'freeze')).toEqual(['freeze']);
  expect(await loaded('help', 'policy', 'check')).toEqual(['policy']);
  for (const words of [[], ['help'], ['--help'], ['stauts'], ['help', 'constructor']]) {
    expect(await loaded(...words)).toEqual([]);
  }
});

test('what is listed of a command is what it takes', async () => {
  const { commands } = await buildProgram(['completion']);
  const listed = commands.map((command) => `${command.name()} ${COMMANDS[command.name()]?.takes}`.trimEnd());
  expect(listed).toEqual(commands.map((command) => new Help().subcommandTerm(command)));
});

test.each(Object.keys(COMMANDS))('the help of %s has an example and its exit codes', async (name) => {
  const command = (await buildProgram([name])).commands.find((candidate) => candidate.name() === name);
  const leaves = command?.commands.length ? command.commands : [command];
  for (const leaf of leaves) {
    const text = leaf === undefined ? '' : helpOf(leaf);
    expect(text).toContain(`raypher ${name}`);
    expect(text.toLowerCase()).toContain('exit code');
  }
});

/** Of those below. */
const TAKES_FOLDER = new Set(['status', 'thaw', 'freeze', 'kill', 'panic', 'enroll', 'service']);

test.each<[string[], number, RegExp]>([
  [['staus'], 2, /Did you mean status/],
  [[], 2, /^Usage: raypher/],
  [['help', 'frob'], 2, /^raypher: unknown command 'frob'\nRun `raypher --help`/],
  [['help', 'stauts'], 2, /Did you mean status/],
  [['policy', 'help', 'frob'], 2, /unknown command 'frob'\nRun `raypher policy --help`/],
  [['help', 'policy', 'chek'], 2, /Did you mean check/],
  [['approvals', 'frob'], 2, /^raypher: unknown command 'frob'\nRun `raypher approvals --help`/],
  [['approvals', 'alow', '3f2a'], 2, /Did you mean allow/],
  [['connections', 'frob'], 2, /unknown command 'frob'/],
  [['help', 'approvals', 'frob'], 2, /unknown command 'frob'/],
  [['approvals', 'list', 'frob'], 2, /too many arguments for 'list'/],
  [['logs', '-n', 'x'], 2, /-n takes a whole number from 1 to 10000/],
  [['status', '--jsn'], 2, /unknown option/],
  [['status'], 7, /service is not running[\s\S]*raypher service/],
  [['thaw', 'not-an-id'], 2, /not the id of a freeze/],
  [['freeze', '--all', '--model', 'gpt-4o'], 2, /exactly one selector/],
  [['kill', 'init'], 2, /pid is a positive number/],
  [['panic', '--all'], 2, /--reason/],
  [['panic', '--reason', 'x'], 2, /one AI agent, one process, or all/],
  [['panic', '4711', '--all', '--reason', 'x'], 2, /one AI agent, one process, or all/],
  [['panic', '--all', '--reason', 'x'], 7, /service is not running/],
  [['enroll', '--server', 'https://127.0.0.1:1', '--token', 'nonsense'], 2, /not an enrolment token/],
  [['enroll', '--server', 'https://127.0.0.1:1'], 2, /token is needed/],
  [['policy', 'check'], 2, /^raypher: missing required argument[\s\S]*Run `raypher policy check --help`/],
  [['policy', 'check', '/nowhere.yaml'], 4, /cannot be read: there is no such file/],
  [['policy', 'check', '/'], 4, /cannot be read: it is a folder/],
  [['policy', 'check', process.execPath], 2, /is not text/],
  [['service', '--config', '/nowhere.toml'], 2, /no configuration file/],
  [['status', '--config', folder], 2, /configuration file .* cannot be read: it is a folder/],
  [['service', '--data-dir', '/etc/passwd'], 2, /passwd is a file; a folder is needed/],
  [['service', '--data-dir', '/etc/passwd/x'], 2, /leads through a file; a folder is needed/],
  [['ca', 'export', '/nowhere/root.pem', '--data-dir', '/nowhere'], 4, /no root certificate/],
])('%j says what is wrong and exits with %i', async (args, expected, message) => {
  const isGiven = args.includes('--data-dir') || !TAKES_FOLDER.has(args[0] ?? '');
  const withFolder = isGiven ? args : [...args, '--data-dir', dataDir];
  const { code, stderr } = await run(withFolder);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(code).toBe(expected);
});

test('help leads to a command below another', async () => {
  expect(await run(['help', 'policy', 'check'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Usage: raypher policy check/),
  });
});

test('the exit code stays what it is when nobody reads the errors to the end', async () => {
  const child = start([]);
  child.stderr?.destroy();
  const [code] = await once(child, 'exit');
  expect(code).toBe(2);
});

test('the help of thaw says how it ends for what is no id', async () => {
  expect((await run(['thaw', '--help'])).stdout).toContain('2 not an id');
});

test('enrolment prints no secret, spends the token file, and happens once', async () => {
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, plane.token);
  const args = ['enroll', '--server', plane.server.origin, '--token-file', tokenFile, '--data-dir', dataDir];
  const { code, stdout } = await run([...args, '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ device: plane.device, identityClass: 'software' });
  expect(stdout).not.toContain(plane.token.split('.')[2]);
  expect(() => readFileSync(tokenFile)).toThrow();

  writeFileSync(tokenFile, plane.token);
  expect(await run(args)).toMatchObject({ code: 5, stderr: expect.stringContaining('--replace') });
  expect((await run([...args, '--replace'])).code).toBe(0);
});

test('the service starts, answers, and stops cleanly when told to', async () => {
  const service = start(['service', '--data-dir', dataDir, '--proxy-port', '0']);
  let log = '';
  service.stdout?.on('data', (chunk) => {
    log += chunk;
  });
  await plane.entry('agent.started');
  const { stdout } = await run(['status', '--json', '--data-dir', dataDir]);
  expect(JSON.parse(stdout)).toMatchObject({
    membership: { device: plane.device },
    link: { state: 'connected' },
    posture: expect.arrayContaining([
      expect.objectContaining({ capability: 'kernel.network', state: 'unavailable' }),
    ]),
  });
  const { stdout: entries } = await run(['logs', '--json', '--data-dir', dataDir]);
  expect(
    entries
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).type),
  ).toContain('agent.started');
  service.kill('SIGTERM');
  expect(await once(service, 'exit')).toEqual([0, null]);
  expect(log).toContain('"stopped"');
});

test('scan works without a service and lists this very process', async () => {
  const { code, stdout } = await run(['scan', '--json', '--data-dir', join(folder, 'none')]);
  expect(code).toBe(0);
  const found = JSON.parse(stdout).processes.find((entry: { pid: number }) => entry.pid === process.pid);
  expect(found).toMatchObject({ confidence: 'full', exePath: process.execPath });
});

test('a command runs with its own exit code, arguments and environment', async () => {
  const script =
    'console.log(JSON.stringify([process.argv.slice(1), process.env.OPENAI_BASE_URL])); process.exit(9)';
  const args = [
    'run',
    '--proxy-port',
    '8123',
    '--',
    process.execPath,
    '-e',
    script,
    '--',
    '--json',
    'a b',
    '$HOME',
  ];
  const { code, stdout } = await run(args);
  expect(code).toBe(9);
  expect(JSON.parse(stdout)).toEqual([['--json', 'a b', '$HOME'], 'http://127.0.0.1:8123/v1']);
});

test('signals reach the command, and its end by one is reported the usual way', async () => {
  const child = start([
    'run',
    '--',
    process.execPath,
    '-e',
    "console.log('ready'); setInterval(() => {}, 1000)",
  ]);
  if (child.stdout === null) throw new Error('no output');
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([128 + 15, null]);
});

test('a command that is not there is 127', async () => {
  expect((await run(['run', '--', 'no-such-command'])).code).toBe(127);
});

test('base URLs that are set already are kept', () => {
  expect(
    environment({ proxyPort: 1, bundle: undefined }, { OPENAI_BASE_URL: 'http://gateway' }),
  ).toMatchObject({
    OPENAI_BASE_URL: 'http://gateway',
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:1',
  });
});

test('a process cannot draw on the terminal with its name', () => {
  expect(printable('evil\u001b[2Jname\u202e')).toBe('evil\\u001b[2Jname\\u202e');
  expect(table(['A', 'B'], [['x\n', 'y']])).toEqual(['A        B', 'x\\u000a  y']);
});
