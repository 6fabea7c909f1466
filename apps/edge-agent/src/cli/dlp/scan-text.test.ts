import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { describe, expect, test, vi } from 'vitest';
import { buildProgram } from '../program.ts';
import { MOST_BYTES } from './read-input.ts';

const folder = mkdtempSync(join(tmpdir(), 'raypher-dlp-'));
// Put together here, so that no scanner of source code takes it for real.
const TOKEN = ['ghp', 'R4nd0mLo0k1ngT0k3nF0rT3sts9zYxWvUt5s'].join('_');

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function scan(...args: string[]): Promise<{ code: number; stdout: string }> {
  const before = process.exitCode;
  process.exitCode = 0;
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  try {
    await (await buildProgram(['dlp'])).parseAsync(['dlp', 'scan', ...args], { from: 'user' });
    return { code: Number(process.exitCode), stdout };
  } catch (error) {
    if (error instanceof RaypherError) return { code: error.exitCode, stdout: error.message };
    throw error;
  } finally {
    write.mockRestore();
    process.exitCode = before;
  }
}

const notes = file(
  'notes.txt',
  `Dear all,\nthe token is ${TOKEN}\nand write to ada.dyke@quill.dev\nDr. Ada Dyke\n`,
);

describe('raypher dlp scan', () => {
  test('says what is found and on which line, and never shows it', async () => {
    const { code, stdout } = await scan(notes);
    expect(code).toBe(1);
    expect(stdout).toMatch(/critical +credential +github-pat +\S+ +line 2/);
    expect(stdout).toMatch(/contact +email +\S+ +line 3/);
    expect(stdout).toContain('2 findings');
    expect(stdout).not.toContain(TOKEN);
    expect(stdout).not.toContain('ada.dyke@quill.dev');
  });

  test('says what a policy does about each, and only records in monitor mode', async () => {
    const rules = `dlp:\n  default: allow\n  rules:\n    - { id: no-keys, effect: redact, classes: [credential], destinations: [api.openai.com] }\n`;
    const policy = file('p.yaml', `apiVersion: raypher/v1\nmode: monitor\n${rules}`);
    const { stdout } = await scan(notes, '--policy', policy, '--host', 'api.openai.com', '--json');
    expect(JSON.parse(stdout).findings).toMatchObject([
      { detector: 'github-pat', line: 2, says: { outcome: 'redact', rule: 'no-keys', mode: 'monitor' } },
      { detector: 'email', says: { outcome: 'allow', rule: 'dlp/default' } },
    ]);
    expect((await scan(notes, '--policy', policy, '--host', 'api.openai.com')).stdout).toContain(
      'redact by no-keys (only recorded: monitor)',
    );
    const elsewhere = await scan(notes, '--policy', policy, '--host', 'other.example', '--json');
    expect(JSON.parse(elsewhere.stdout).findings[0].says.outcome).toBe('allow');
  });

  test('finds what a policy brings, and names where asked for or a rule names them', async () => {
    const dlp = `dlp:\n  default: alert\n  identifiers: true\n  dictionaries: [{ id: all, terms: [dear all] }]\n  rules: [{ id: people, effect: alert, classes: [person] }]\n`;
    const policy = file('own.yaml', `apiVersion: raypher/v1\nmode: enforce\n${dlp}`);
    const text = file('own.txt', 'Dear all, Dr. Ada Dyke is on 198.51.100.7 today');
    const detectors = async (...args: string[]): Promise<string[]> =>
      JSON.parse((await scan(text, '--json', ...args)).stdout).findings.map(
        ({ detector }: { detector: string }) => detector,
      );
    expect(await detectors()).toEqual([]);
    expect(await detectors('--names')).toEqual(['entity-person']);
    expect(await detectors('--policy', policy)).toEqual(['global/all', 'entity-person', 'ipv4-address']);
  });

  test('reads JSON as JSON, and says where in it', async () => {
    const body = file('call.json', JSON.stringify({ messages: [{ content: `x ${TOKEN}` }] }));
    const { stdout } = await scan(body);
    expect(stdout).toContain('/messages/0/content');
  });

  test('a clean text is a success', async () => {
    expect(await scan(file('clean.txt', 'nothing here'))).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing was found'),
    });
  });

  test('what cannot be read is named with the reason', async () => {
    expect(await scan(join(folder, 'none.txt'))).toMatchObject({
      stdout: expect.stringContaining('none.txt cannot be read: there is no such file.'),
    });
    expect(await scan(folder)).toMatchObject({
      code: 4,
      stdout: expect.stringContaining('cannot be read: it is a folder.'),
    });
  });

  test('no file, too much, and a policy with mistakes have their exit codes', async () => {
    expect((await scan(join(folder, 'none.txt'))).code).toBe(4);
    expect((await scan(file('large.txt', Buffer.alloc(MOST_BYTES + 1, 'a')))).code).toBe(2);
    expect((await scan(notes, '--policy', file('bad.yaml', 'mode: enforce\n'))).code).toBe(9);
  });
});
