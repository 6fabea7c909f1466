import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { buildProgram } from '../cli/program.ts';
import { completionScript } from './completion-script.ts';

/** What bash would offer after these words; the last one is being typed. */
function offered(...words: string[]): string[] {
  const script = `${completionScript('bash', buildProgram())}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _raypher; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['--norc', '-c', script, 'bash', 'raypher', ...words], {
    encoding: 'utf8',
  });
  return output.split('\n').filter(Boolean);
}

test('bash is offered commands, commands below them, and the options of each', () => {
  expect(offered('pol')).toEqual(['policy']);
  expect(offered('policy', '')).toEqual(
    expect.arrayContaining(['check', 'test', 'explain', 'diff', 'show', 'schema']),
  );
  expect(offered('policy', 'ex')).toEqual(['explain']);
  expect(offered('policy', 'explain', '--fi')).toEqual(['--file', '--finding']);
  expect(offered('policy', 'explain', 'policy.yaml', '--reque')).toEqual(['--request']);
  expect(offered('policy', 'show', '--fi')).toEqual([]);
  expect(offered('status', '--js')).toEqual(['--json']);
  expect(offered('nonsense', '--js')).toEqual([]);
});

test('fish is told the same', () => {
  const script = completionScript('fish', buildProgram());
  expect(script).toContain(
    "complete -c raypher -n '__fish_seen_subcommand_from policy; and __fish_seen_subcommand_from explain' -l finding\n",
  );
  expect(script).toContain("complete -c raypher -n '__fish_seen_subcommand_from policy' -a explain\n");
});
