import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createScanner } from '@raypher/dlp';
import { compilePolicy, parsePolicy } from '@raypher/policy';
import { RaypherError } from '@raypher/shared';
import { describe, expect, test, vi } from 'vitest';
import { buildProgram } from '../program.ts';

const folder = mkdtempSync(join(tmpdir(), 'raypher-policy-'));
const example = fileURLToPath(new URL('../../../../../examples/policies/organisation.yaml', import.meta.url));

/** Commander ends the process for mistakes of usage, unless told otherwise. */
async function run(...args: string[]): Promise<{ code: number; stdout: string; error: string }> {
  const program = await buildProgram(['policy']);
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  const exitCode = process.exitCode;
  process.exitCode = 0;
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  try {
    await program.parseAsync(['policy', ...args], { from: 'user' });
    return { code: Number(process.exitCode), stdout, error: '' };
  } catch (error) {
    if (error instanceof RaypherError) return { code: error.exitCode, stdout, error: error.message };
    return { code: 2, stdout, error: String(error) };
  } finally {
    write.mockRestore();
    process.exitCode = exitCode;
  }
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const HEAD = 'apiVersion: raypher/v1\nmode: enforce\n';
const policy = file(
  'policy.yaml',
  `${HEAD}network:
  default: allow
  rules:
    - { id: friends, effect: allow, destinations: [api.deepseek.com], agents: { teams: [research] } }
    - { id: no-deepseek, effect: deny, destinations: ['*.deepseek.com'], reason: Not approved. }
    - { id: later, effect: prompt, destinations: [other.example] }
`,
);

describe('check', () => {
  test('says good, or where each mistake is, with the line and a suggestion', async () => {
    const bad = file('bad.yaml', `${HEAD}network:\n  defualt: deny\n`);
    const { code, stdout } = await run('check', policy, bad);
    expect(code).toBe(9);
    expect(stdout.split('\n')).toEqual([
      `${policy}: good`,
      `${bad}:4:3: unknown key \`defualt\` in \`network\` (did you mean \`default\`?)`,
      '    4 |   defualt: deny',
      '      |   ^^^^^^^',
      '',
    ]);
    expect((await run('check', policy)).code).toBe(0);
  });

  test('prints JSON for programs, and reads tests as tests', async () => {
    const tests = file(
      'x.test.yaml',
      'tests: [{ name: a, request: { action: file.read }, expect: { rule: r } }]',
    );
    const { code, stdout } = await run('check', tests, '--json');
    expect(code).toBe(9);
    expect(JSON.parse(stdout)).toEqual([
      { file: tests, issues: [expect.objectContaining({ line: 1, message: '`file.read` needs `path`' })] },
    ]);
  });

  test('a control character in a document does not reach the terminal', async () => {
    const evil = file(
      'evil.yaml',
      `${HEAD}network: { rules: [{ id: "\\e[2J", effect: deny, models: [x] }] }\n`,
    );
    const raw = file('raw.yaml', `${HEAD}network: { "x\u202ey": 1 }\n`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come out
    expect((await run('check', evil, raw)).stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  test.each([
    [['check', '/nowhere.yaml'], 4],
    [['check'], 2],
    [['check', 'x', '--layer', 'world'], 2],
  ])('%j exits with %i', async (args, code) => {
    expect((await run(...args)).code).toBe(code);
  });
});

describe('test', () => {
  test('runs the tests next to a policy', async () => {
    const { code, stdout } = await run('test', example);
    expect(stdout).toMatch(/15 tests passed\.\n$/);
    expect(code).toBe(0);
  });

  test('a test that fails says what differs and why, and the exit code says so too', async () => {
    file(
      'policy.test.yaml',
      `tests:
  - { name: research may, request: { action: network.connect, host: api.deepseek.com, agent: { team: research } }, expect: { outcome: ALLOW } }
  - { name: everybody may, request: { action: network.connect, host: api.deepseek.com }, expect: { outcome: ALLOW } }
`,
    );
    const { code, stdout } = await run('test', policy);
    expect(code).toBe(9);
    expect(stdout).toContain(
      '  ok    research may\n  FAIL  everybody may\n        outcome: expected ALLOW, got DENY\n',
    );
    expect(stdout).toContain('Denied by rule no-deepseek of the global layer: Not approved.');
    expect(stdout).toContain('1 of 2 tests failed.');
    const json: unknown = JSON.parse((await run('test', policy, '--json')).stdout);
    expect(json).toMatchObject([{ file: policy, results: [{ passed: true }, { passed: false }] }]);
  });

  test('with the documents of other layers, which can only tighten', async () => {
    const local = file('local.yaml', `${HEAD}network: { default: deny }\n`);
    const { code, stdout } = await run('test', policy, '--with', `local=${local}`);
    expect(code).toBe(9);
    expect(stdout).toContain('2 of 2 tests failed.');
  });

  test.each([
    [
      'there are no tests',
      [file('alone.yaml', `${HEAD}network: { default: deny }\n`)],
      4,
      /has no tests: there is no .*alone\.test\.yaml/,
    ],
    [
      'the tests have mistakes',
      [policy, '--tests', file('m.yaml', 'tests: [{ name: a }]')],
      9,
      /m\.yaml:1:9: .*is missing/,
    ],
    ['the policy has mistakes', [file('b2.yaml', 'mode: x')], 9, /b2\.yaml:1:/],
    ['two documents are for one layer', [policy, '--with', `global=${policy}`], 2, /more than one document/],
    ['a layer is not one', [policy, '--with', `world=${policy}`], 2, /Write a layer and a file/],
  ])('where %s, that is said', async (_name, args, code, message) => {
    expect(await run('test', ...args)).toMatchObject({ code, error: expect.stringMatching(message) });
  });
});

describe('explain', () => {
  test.each([
    [['--host', '0x7f.1'], 'Denied by builtin/private-address: 127.0.0.1 is loopback'],
    [['--host', 'a.example', '--address', '169.254.169.254'], 'Denied by builtin/metadata-address'],
    [['--host', 'localhost', '--port', '11434'], 'permitted because a local model provider names it'],
  ])('%j: %s', async (args, line) => {
    const open = file('open.yaml', `${HEAD}network: { default: allow }\n`);
    expect((await run('explain', open, ...args)).stdout).toContain(line);
  });

  test('says which rule decides, why the others do not, and what would have been milder', async () => {
    const { code, stdout } = await run('explain', policy, '--host', 'API.DeepSeek.com.', '--user', 'kim');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'Denied by rule no-deepseek of the global layer: Not approved.',
      'Compared as: api.deepseek.com',
      '',
      'global layer',
      '  network: DENY by rule no-deepseek',
      '    friends does not match: agents.teams is absent, not "research"',
      '    no-deepseek matches: destinations "api.deepseek.com" fits "*.deepseek.com"',
      '    1 rule after it is not tried',
      '',
      'What would have been milder',
      '  global: rule friends says ALLOW, but agents.teams is absent, not "research"',
      "  global: a rule before no-deepseek under network, or an exception with `rules: [no-deepseek]`, in this layer's own document",
      '',
    ]);
  });

  const trusted = ['--trust', '900', '--at', '2026-11-30T12:00:00+01:00'];
  test.each<[string, string[], string, string]>([
    ['a connection', ['--host', 'pypi.org'], 'network.connect', 'ALLOW registries'],
    [
      'a model call with its cost',
      [
        '--host',
        'api.openai.com',
        '--model',
        'gpt-5',
        '--cost',
        '1.5',
        '--team',
        'red',
        '--balance',
        'team-month=499',
      ],
      'model.call',
      'DENY team-month',
    ],
    ['a file', ['--file', '/home/a/.ssh/id', ...trusted], 'file.read', 'DENY no-keys'],
    ['writing', ['--action', 'file.write', '--file', '/srv/.env', ...trusted], 'file.write', 'DENY no-keys'],
    [
      'a command',
      ['--command', '/usr/bin/rm', '--argument=-rf', '--argument', '/x', ...trusted],
      'process.exec',
      'PROMPT deleting-needs-two',
    ],
    ['a device', ['--device', '/dev/video0', '--device-class', 'camera'], 'device.open', 'DENY no-camera'],
    [
      'a tool',
      ['--tool', 'delete_all', '--server', 'production-db'],
      'tool.call',
      'DENY no-production-writes',
    ],
    [
      'a package',
      ['--package', 'left-pad', '--ecosystem', 'npm', '--age-days', '2', ...trusted],
      'package.install',
      'PROMPT too-young',
    ],
    [
      'data with findings',
      ['--finding', 'contact:email', '--finding', 'credential:openai-api-key', '--host', 'api.openai.com'],
      'data.out',
      'DENY no-credentials',
    ],
    [
      'data that comes in',
      ['--action', 'data.in', '--finding', 'contact:email'],
      'data.in',
      'ALLOW redact-contacts',
    ],
    ['data that could not be scanned', ['--unscannable'], 'data.out', 'DENY dlp/on_unscannable'],
  ])('%s, from the command line', async (_name, args, action, expected) => {
    const { code, stdout } = await run('explain', example, ...args, '--json');
    expect(code).toBe(0);
    const { request, verdict } = JSON.parse(stdout);
    expect(request.action).toBe(action);
    expect(`${verdict.outcome} ${verdict.rule}`).toBe(expected);
  });

  test('a request from a file, and where the call goes instead', async () => {
    const request = file(
      'request.json',
      JSON.stringify({
        action: 'model.call',
        host: 'api.openai.com',
        provider: 'openai',
        model: 'gpt-5',
        cost: 1,
        agent: { team: 'red' },
        balances: { 'team-month': { spent: 460 } },
      }),
    );
    const { stdout } = await run('explain', example, '--request', request);
    expect(stdout).toContain(
      "The call goes to gpt-5-mini, which is decided anew\n  gpt-5 → gpt-5-mini by thrift of the global layer: Nine tenths of the team's month are used.",
    );
  });

  test.each<[string, string[], number, RegExp]>([
    ['nothing is asked about', [], 2, /not said what is to be explained/],
    ['the action lacks something', ['--action', 'package.install', '--package', 'x'], 2, /needs `ecosystem`/],
    ['a score is no number', ['--trust', 'much', '--host', 'x'], 2, /no number/],
    ['a finding is half', ['--finding', 'contact'], 2, /class:detector/],
    [
      'the file of the request has mistakes',
      ['--request', file('r.json', '{"action":"file.raed"}')],
      9,
      /r\.json:1:/,
    ],
    ['there is no such file', ['--request', '/nowhere.json'], 4, /cannot be read/],
  ])('where %s, that is said', async (_name, args, code, message) => {
    expect(await run('explain', policy, ...args)).toMatchObject({
      code,
      error: expect.stringMatching(message),
    });
  });
});

describe('diff', () => {
  const changed = file(
    'changed.yaml',
    `${readFileSync(policy, 'utf8').replace("'*.deepseek.com'", "'*.deepseek.com', pastebin.com").replace('default: allow', 'default: deny')}`,
  );
  const event = (seq: number, host: string) =>
    JSON.stringify({
      v: 1,
      organisation: '00000000-0000-4000-8000-000000000001',
      device: '00000000-0000-4000-8000-000000000002',
      seq,
      prev: '0'.repeat(64),
      at: `2026-11-30T12:00:0${seq}.000Z`,
      type: 'network.request',
      severity: 'info',
      actor: { kind: 'ai-agent', id: 'a'.repeat(64), name: 'coder', user: 'kim' },
      action: 'call',
      target: `${host}/v1/x`,
      data: { host, port: 443, method: 'POST' },
    });
  const events = file(
    'events.ndjson',
    [
      event(1, 'pastebin.com'),
      event(2, 'x.example'),
      event(3, 'x.example'),
      event(4, 'api.deepseek.com'),
      '',
    ].join('\n'),
  );

  test('names what changes, and what would have been decided differently, with examples', async () => {
    const { code, stdout } = await run('diff', policy, changed, '--events', events);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'global: Default of network: allow → deny',
      'global: Rule no-deepseek changed',
      '',
      'Replayed 4 requests from 4 entries: 3 would be decided differently.',
      '',
      '2 requests stricter: ALLOW by network/default → DENY by network/default',
      '  network.connect x.example:443, AI agent coder at 2026-11-30T12:00:02.000Z',
      '  network.connect x.example:443, AI agent coder at 2026-11-30T12:00:03.000Z',
      '',
      '1 request stricter: ALLOW by network/default → DENY by no-deepseek',
      '  network.connect pastebin.com:443, AI agent coder at 2026-11-30T12:00:01.000Z',
      '',
    ]);
  });

  test('a policy that only monitors changes nothing, unless it is looked at as if it were enforced', async () => {
    const watching = file('watching.yaml', readFileSync(changed, 'utf8').replace('enforce', 'monitor'));
    const was = file('was.yaml', readFileSync(policy, 'utf8').replace('enforce', 'monitor'));
    const same = await run('diff', was, watching, '--events', events);
    expect(same.stdout).toContain('none would be decided differently');
    expect((await run('diff', was, watching, '--events', events, '--would-be')).stdout).toContain(
      '3 would be',
    );
  });

  test('limits of spending are not replayed: nobody knows what was spent then', async () => {
    const limited = file(
      'limited.yaml',
      `${readFileSync(policy, 'utf8')}financial: { limits: [{ id: day, per: day, scope: agent, amount: 1 }] }\n`,
    );
    const { stdout } = await run('diff', policy, limited, '--events', events);
    expect(stdout).toContain('Rule day added: deny above $1');
    expect(stdout).toContain('none would be decided differently');
  });

  test.each<[string, string[], number, RegExp]>([
    ['three documents', [policy, policy, policy], 2, /Two documents are compared/],
    [
      'a file that is no ledger',
      [policy, policy, '--events', policy],
      2,
      /policy\.yaml:1: this line is not an entry/,
    ],
    ['no service', [policy, '--data-dir', folder], 7, /not running/],
  ])('with %s, that is said', async (_name, args, code, message) => {
    expect(await run('diff', ...args)).toMatchObject({ code, error: expect.stringMatching(message) });
  });
});

describe('fingerprint', () => {
  const letter =
    'The board has decided to sell the northern plant to the second bidder before the end of March, subject to approval.';

  test('makes a document that a policy recognises, and holds none of its text', async () => {
    const { stdout } = await run('fingerprint', file('letter.txt', letter), '--id', 'merger');
    expect(stdout).not.toMatch(/board|plant/);
    const parsed = parsePolicy(`${HEAD}${stdout}`, { layer: 'global' });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
    const { dlp } = compilePolicy({ revision: 1, layers: [parsed] });
    const scanner = createScanner({ detectors: [], custom: dlp.detectors });
    expect(scanner.scan(`fyi ${letter.toUpperCase()}`)).toMatchObject([{ detector: 'global/merger' }]);
    expect(scanner.scan('The board has decided to sell the car.')).toEqual([]);
  });

  test('refuses what nothing could be recognised of', async () => {
    expect(await run('fingerprint', file('short.txt', 'five words are too few'))).toMatchObject({ code: 2 });
  });
});

describe('schema', () => {
  test('is the published one, of policies and of their tests', async () => {
    expect(JSON.parse((await run('schema')).stdout)).toMatchObject({ title: 'Raypher policy' });
    expect(JSON.parse((await run('schema', '--tests')).stdout)).toMatchObject({ required: ['tests'] });
  });
});
