import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { buildProgram } from '../cli/program.ts';
import { completionScript } from './completion-script.ts';

/** What bash would offer after these words; the last one is being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const script = `${completionScript('bash', await buildProgram(['completion']))}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _raypher; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['--norc', '-c', script, 'bash', 'raypher', ...words], {
    encoding: 'utf8',
  });
  return output.split('\n').filter(Boolean);
}

test('bash is offered commands, commands below them, and the options of each', async () => {
  expect(await offered('pol')).toEqual(['policy']);
  expect(await offered('policy', '')).toEqual(
    expect.arrayContaining(['check', 'test', 'explain', 'diff', 'show', 'schema']),
  );
  expect(await offered('policy', 'ex')).toEqual(['explain']);
  expect(await offered('policy', 'explain', '--fi')).toEqual(['--file', '--finding']);
  expect(await offered('policy', 'explain', 'policy.yaml', '--reque')).toEqual(['--request']);
  expect(await offered('policy', 'show', '--fi')).toEqual([]);
  expect(await offered('status', '--js')).toEqual(['--json']);
  expect(await offered('nonsense', '--js')).toEqual([]);
});

test('fish is told the same', async () => {
  const script = completionScript('fish', await buildProgram(['completion']));
  expect(script).toContain(
    "complete -c raypher -n '__fish_seen_subcommand_from policy; and __fish_seen_subcommand_from explain' -l finding\n",
  );
  expect(script).toContain("complete -c raypher -n '__fish_seen_subcommand_from policy' -a explain\n");
});
