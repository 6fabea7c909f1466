import { lstatSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changeSettings, withHooks, withoutHooks } from './hook-settings.ts';

const COMMAND = "'/opt/my tools/raypher' hook claude-code --data-dir '/srv/it'\\''s'";
const file = (content?: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'claude-')), 'settings.json');
  if (content !== undefined) writeFileSync(path, content, { mode: 0o640 });
  return path;
};
const install = (path: string) => changeSettings(path, (settings) => withHooks(settings, COMMAND));
const uninstall = (path: string) => changeSettings(path, withoutHooks);

const THEIRS = `{
    "model": "opus",
    "hooks": {
        "PreToolUse": [
            { "matcher": "Bash", "hooks": [{ "type": "command", "command": "lint hook claude-code.sh" }] }
        ],
        "Stop": []
    },
    "permissions": { "deny": ["Read(./.env)"] }
}
`;

test('installing keeps what is there, twice is once, and uninstalling leaves exactly what was there', () => {
  const path = file(THEIRS);
  expect(install(path)).toBe(true);
  const once = readFileSync(path, 'utf8');
  expect(once).toMatch(/^ {4}"model"/m);
  expect(JSON.parse(once)).toMatchObject({
    model: 'opus',
    hooks: {
      PreToolUse: [
        { matcher: 'Bash' },
        { matcher: '*', hooks: [{ type: 'command', command: COMMAND, onFailure: 'block', timeout: 600 }] },
      ],
      PostToolUse: [{ matcher: '*' }],
      UserPromptSubmit: [{ hooks: [{ command: COMMAND }] }],
    },
  });
  expect(install(path)).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe(once);
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(uninstall(path)).toBe(true);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(JSON.parse(THEIRS));
  expect(uninstall(path)).toBe(false);
});

test('another call replaces the one that was written before', () => {
  const path = file();
  install(path);
  changeSettings(path, (settings) => withHooks(settings, 'raypher hook claude-code --wait 5'));
  const { hooks } = JSON.parse(readFileSync(path, 'utf8'));
  expect(hooks.PreToolUse).toHaveLength(1);
  expect(hooks.PreToolUse[0].hooks[0].command).toBe('raypher hook claude-code --wait 5');
});

test('a handler of ours in a group of theirs goes, theirs stays', () => {
  const group = {
    matcher: 'Write',
    hooks: [
      { type: 'command', command: COMMAND },
      { type: 'http', url: 'x' },
    ],
  };
  const path = file(JSON.stringify({ hooks: { PreToolUse: [group] } }));
  uninstall(path);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
    hooks: { PreToolUse: [{ matcher: 'Write', hooks: [{ type: 'http', url: 'x' }] }] },
  });
});

test.each(['', '{}', undefined])('a file that holds nothing (%j) is as good as none', (content) => {
  const path = file(content);
  expect(install(path)).toBe(true);
  uninstall(path);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({});
});

test.each(['{ "hooks": [', '{ "hooks": [] }', '[]'])('what is not settings stays as it is: %s', (content) => {
  const path = file(content);
  expect(() => install(path)).toThrow(/does not hold settings/);
  expect(readFileSync(path, 'utf8')).toBe(content);
});

test('a link to settings that are kept elsewhere stays one', () => {
  const kept = file('{}');
  const link = file();
  symlinkSync(kept, link);
  install(link);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(kept, 'utf8')).toContain('hook claude-code');
});
