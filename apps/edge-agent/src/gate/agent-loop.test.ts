import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { TestService } from '../testing/test-service.ts';

/** Real processes and a real service; the machine may be busy. */
vi.setConfig({ testTimeout: 60_000 });

const EXAMPLES = fileURLToPath(new URL('../../../../examples/', import.meta.url));
const PYTHON_CLIENT = fileURLToPath(new URL('../../../../packages/gate/clients/python', import.meta.url));
const POLICY = `apiVersion: raypher/v1
mode: enforce
operational: { default: allow, rules: [{ id: no-secrets, effect: deny, actions: [file.read], paths: ['**/secret.txt'] }] }
tools: { default: allow, rules: [{ id: no-drop, effect: deny, tools: [query], arguments: ['*drop *'] }] }
`;
const STOP = 'Do not try to reach the same result in another way';

let agent: TestService;
const folder = mkdtempSync(join(tmpdir(), 'agent-loop-'));
beforeAll(async () => {
  writeFileSync(join(folder, 'notes.txt'), 'buy milk');
  writeFileSync(join(folder, 'secret.txt'), 'the treasure');
  agent = await TestService.prepare();
  await agent.join();
  await agent.plane.deploy({
    ...agent.policy(1, 'enforce', '[]'),
    documents: [{ layer: 'global', source: POLICY }],
  });
});
afterAll(() => agent.stop());

/** An AI agent of examples/ in a process of its own, on the fake model. @returns what it answers in the end */
async function run(program: string, example: string, question: string): Promise<string> {
  const child = spawn(program, [join(EXAMPLES, example), question], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      PYTHONPATH: PYTHON_CLIENT,
      PYTHONDONTWRITEBYTECODE: '1',
      OPENAI_BASE_URL: `${agent.upstream.url}/v1`,
      [`OPENAI_API_${'KEY'}`]: 'any',
      RAYPHER_GATE: join(agent.config.dataDir, 'gate.sock'),
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk);
    });
  }
  await once(child, 'close');
  return output.trim();
}

test.each([
  ['the TypeScript client', process.execPath, 'gated-agent.mjs'],
  ['the Python client', 'python3', 'gated_agent.py'],
])(
  'an AI agent on %s runs what is allowed, and is told to stop where it is not',
  async (_what, program, example) => {
    const [allowed, denied] = await Promise.all([
      run(program, example, 'notes.txt'),
      run(program, example, 'secret.txt'),
    ]);
    expect(allowed).toBe('The tool answered: buy milk');
    expect(denied).toContain(STOP);
    expect(denied).toContain('no-secrets');
    expect(denied).not.toContain('treasure');
  },
);

test('a LangChain tool behind the gate runs only where it may', async () => {
  const [allowed, denied] = await Promise.all([
    run(process.execPath, 'gated-langchain.mjs', 'select 1'),
    run(process.execPath, 'gated-langchain.mjs', 'drop table users'),
  ]);
  expect(allowed).toBe('The tool answered: ran: select 1');
  expect(denied).toContain(STOP);
  expect(denied).not.toContain('ran:');
});
