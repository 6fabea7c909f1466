import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { whyNoProgram } from './program-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'raypher-program-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
}

it('takes a program', () => {
  expect(whyNoProgram('/bin/true')).toBeUndefined();
});

it('names the interpreter of a script, where it is one that can be allowed', () => {
  const python = file('a.py', '#! /usr/bin/python3 -u\nprint()\n');
  expect(whyNoProgram(python)).toEqual({
    why: `${python} is a script: what runs is its interpreter`,
    hint: `Allow both: raypher allow /usr/bin/python3 --script ${python}`,
  });
  const found = whyNoProgram(file('a.js', '#!/usr/bin/env node\n'));
  expect(found?.hint).toContain('raypher allow INTERPRETER --script');
});

it('refuses text, nothing at all, and a program that nobody may execute', () => {
  expect(whyNoProgram(file('notes.yaml', 'a: b\n', 0o644))?.why).toContain('is no program');
  expect(whyNoProgram(file('empty', ''))?.why).toContain('is no program');
  const program = join(folder, 'program');
  copyFileSync('/bin/true', program);
  chmodSync(program, 0o644);
  expect(whyNoProgram(program)?.why).toContain('is not executable');
});

it('leaves what cannot be read to whoever hashes it', () => {
  expect(whyNoProgram(join(folder, 'gone'))).toBeUndefined();
});
