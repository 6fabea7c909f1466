import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AgentProcesses } from '../testing/agent-processes.ts';
import { TestService } from '../testing/test-service.ts';

/** Starting processes takes long on a busy machine. */
vi.setConfig({ testTimeout: 60_000 });

/** Put together here so that it is no key anywhere. */
const KEY = ['sk', 'typed', 'y'.repeat(30)].join('-');
const SEAL = ['seal', 'openai', '--provider', 'openai'];
const PROMPT = 'API key openai for openai (not shown): ';
const noTerminal = terminalUnavailable();

let agent: TestService;
let commands: AgentProcesses;
beforeEach(async () => {
  agent = await TestService.prepare();
  await agent.enrol();
  commands = new AgentProcesses(agent.config.dataDir, { RAYPHER_IDENTITY_KEY: 'software' });
});
afterEach(() => agent.stop());

/**
 * Runs a command on a terminal of its own, with echo, as shells have it.
 *
 * @param typed when the question has been asked
 * @param after more of the shell's line
 * @returns all that the terminal showed
 */
async function onTerminal(args: string[], typed = '', after = ''): Promise<{ code: number; shown: string }> {
  const line = commands.command(args).map(quoted).join(' ') + after;
  const child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    env: { ...commands.environment, TERM: 'xterm', SHELL: '/bin/sh' },
  });
  let shown = '';
  let isTyped = typed === '';
  child.stdout.on('data', (chunk) => {
    shown += chunk;
    if (isTyped || !shown.includes(PROMPT)) return;
    isTyped = true;
    child.stdin.write(typed);
  });
  const [code] = await once(child, 'close');
  child.stdin.destroy();
  return { code, shown };
}

describe.skipIf(noTerminal)(`on a terminal ${noTerminal ?? ''}`, () => {
  test('a key is asked for and not shown, and is shown when it is unsealed', async () => {
    // With a slip of the finger, taken back.
    const { code, shown } = await onTerminal(SEAL, `${KEY}x\x7f\r`);
    expect(code, shown).toBe(0);
    expect(shown).toContain(PROMPT);
    expect(shown).not.toContain(KEY.slice(0, 8));
    expect(shown).toContain('Sealed openai for openai.');
    expect(await commands.run(['unseal', 'openai'])).toMatchObject({ code: 3, stdout: '' });
    expect(await onTerminal(['unseal', 'openai'])).toEqual({ code: 0, shown: `${KEY}\r\n` });
  });

  test('what is given up is not sealed, and the terminal echoes again', async () => {
    const { code, shown } = await onTerminal(SEAL, `${KEY}\x03`);
    expect(code).toBe(2);
    expect(shown).toContain('Nothing was sealed.');
    expect(shown).not.toContain(KEY.slice(0, 8));
    const empty = await onTerminal(SEAL, '\r', '; stty -a');
    expect(empty.shown).toContain('No value was given.');
    expect(empty.shown).toMatch(/ icanon[\s\S]* echo /);
    expect((await commands.run(['vault', 'list'])).stdout).toContain('Nothing is sealed yet');
  });
});

describe('from a file', () => {
  async function sealFrom(mode: number, content: string) {
    const file = join(agent.config.dataDir, 'key.txt');
    writeFileSync(file, content, { mode });
    return commands.run([...SEAL, '--from-file', file]);
  }

  test('a key is sealed, and what is left of it is named', async () => {
    const { code, stderr } = await sealFrom(0o600, `${KEY}\n`);
    expect(code).toBe(0);
    expect(stderr).toMatch(/key\.txt still holds the key in clear\. Delete it/);
    expect(stderr).not.toContain(KEY);
    expect((await commands.run(['unseal', 'openai', '--force'])).stdout).toBe(KEY);
  });

  test('that others may read, this is said', async () => {
    expect((await sealFrom(0o644, KEY)).stderr).toContain('other accounts may read it');
  });

  test('of a pipe nothing is left', async () => {
    const [program, ...words] = commands.command([...SEAL, '--from-file', '/dev/fd/3']);
    const child = spawn(program, words, {
      env: commands.environment,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    const pipe = child.stdio[3];
    if (pipe === null || pipe === undefined || !('write' in pipe)) throw new Error('no pipe');
    pipe.end(KEY);
    const [code] = await once(child, 'close');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('that is none, or too long, nothing is sealed', async () => {
    expect(await sealFrom(0o600, 'x'.repeat(9000))).toMatchObject({ code: 2 });
    const missing = await commands.run([...SEAL, '--from-file', join(agent.config.dataDir, 'nowhere')]);
    expect(missing).toMatchObject({ code: 4, stderr: expect.stringContaining('nowhere cannot be read') });
    mkdirSync(join(agent.config.dataDir, 'folder'));
    const folder = await commands.run([...SEAL, '--from-file', join(agent.config.dataDir, 'folder')]);
    expect(folder).toMatchObject({ code: 4, stderr: expect.stringContaining('folder cannot be read') });
    expect((await commands.run(['vault', 'list'])).stdout).toContain('Nothing is sealed yet');
  });
});

test.skipIf(tpmUnavailable)(
  `a vault that is bound to PCRs says what to do when they changed ${tpmUnavailable ?? ''}`,
  async () => {
    const chip = await TestTpm.start();
    const member = await TestService.prepare();
    try {
      const withTpm = new AgentProcesses(member.config.dataDir, {
        RAYPHER_TPM_TCTI: chip.tcti,
        RAYPHER_ENROLMENT_TOKEN: member.plane.token,
      });
      const enrolled = await withTpm.run(['enroll', '--server', member.plane.server.origin]);
      expect(enrolled).toMatchObject({ code: 0, stderr: '' });
      expect(await withTpm.run(SEAL, KEY)).toMatchObject({ code: 0, stderr: '' });
      expect((await withTpm.run(['vault', 'rebind', '--pcrs', '16'])).stdout).toContain('bound to PCRs 16');
      await chip.tool('pcrextend', `16:sha256=${'1'.repeat(64)}`);
      const refused = await withTpm.run(['unseal', 'openai', '--force']);
      expect(refused).toMatchObject({ code: 9, stdout: '' });
      expect(refused.stderr).toMatch(/PCR 16 changed[\s\S]*Undo the change[\s\S]*raypher vault reset/);
      const reset = await withTpm.run(['vault', 'reset', '--yes']);
      expect(reset.stdout).toMatch(/is empty[\s\S]*The one before is at .*set-aside/);
    } finally {
      await member.stop();
      await chip.stop();
    }
  },
  120_000,
);

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Why no terminal can be made for a test; undefined when it can. */
function terminalUnavailable(): string | undefined {
  const { status } = spawnSync('script', ['--quiet', '--return', '--command', 'tty', '/dev/null']);
  return status === 0 ? undefined : 'unavailable(needs script of util-linux to make a terminal)';
}
