import { describe, expect, it } from 'vitest';
import { parseProgram, runtimeOf } from './runtime.ts';

describe('runtimeOf', () => {
  it.each([
    ['python3.12', 'python'],
    ['python', 'python'],
    ['pypy3', 'python'],
    ['python3.13t', 'python'],
    ['node', 'node'],
    ['nodejs', 'node'],
    ['node-24', 'node'],
    ['deno', 'deno'],
    ['bun', 'bun'],
    ['pythonista', undefined],
    ['nodemon-helper', undefined],
    ['node_exporter', undefined],
    ['ipython-like', undefined],
    ['bunzip2', undefined],
  ])('takes %s for %s', (name, runtime) => {
    expect(runtimeOf(name)).toBe(runtime);
  });
});

describe('parseProgram', () => {
  it.each([
    ['python', 'python3 bot.py --model x', { kind: 'script', path: 'bot.py', arguments: ['--model', 'x'] }],
    ['python', 'python3 -u -W ignore -X dev bot.py', { kind: 'script', path: 'bot.py', arguments: [] }],
    [
      'python',
      'python3 -m vllm.entrypoints --port 1',
      { kind: 'module', name: 'vllm.entrypoints', arguments: ['--port', '1'] },
    ],
    ['python', 'python3 -Im crewai run', { kind: 'module', name: 'crewai', arguments: ['run'] }],
    ['python', 'python3 -Imcrewai', { kind: 'module', name: 'crewai', arguments: [] }],
    ['python', 'python3 -uc code', { kind: 'inline', flag: '-c', code: 'code' }],
    ['python', 'python3', { kind: 'inline', flag: '-', code: '' }],
    ['python', 'python3 -', { kind: 'inline', flag: '-', code: '' }],
    ['python', 'python3 -Werror bot.py', { kind: 'script', path: 'bot.py', arguments: [] }],
    ['python', 'python3 script.py -m vllm', { kind: 'script', path: 'script.py', arguments: ['-m', 'vllm'] }],
    [
      'node',
      'node --enable-source-maps bot.js -e x',
      { kind: 'script', path: 'bot.js', arguments: ['-e', 'x'] },
    ],
    [
      'node',
      'node -r dotenv/config --import ./a.mjs bot.js',
      { kind: 'script', path: 'bot.js', arguments: [] },
    ],
    ['node', 'node --require=x bot.js', { kind: 'script', path: 'bot.js', arguments: [] }],
    ['node', 'node -e code', { kind: 'inline', flag: '-e', code: 'code' }],
    ['node', 'node --input-type module --eval=code', { kind: 'inline', flag: '-e', code: 'code' }],
    ['node', 'node -pe code', { kind: 'inline', flag: '-e', code: 'code' }],
    ['node', 'node inspect bot.js', { kind: 'script', path: 'bot.js', arguments: [] }],
    ['node', 'node -- bot.js', { kind: 'script', path: 'bot.js', arguments: [] }],
    ['node', 'node', { kind: 'inline', flag: '-', code: '' }],
    ['deno', 'deno run -A --config deno.json bot.ts x', { kind: 'script', path: 'bot.ts', arguments: ['x'] }],
    ['deno', 'deno eval code', { kind: 'inline', flag: 'eval', code: 'code' }],
    ['bun', 'bun bot.ts', { kind: 'script', path: 'bot.ts', arguments: [] }],
    ['bun', 'bun run --cwd /x bot.ts', { kind: 'script', path: 'bot.ts', arguments: [] }],
  ] as const)('%s: reads %j as the runtime does', (runtime, line, program) => {
    expect(parseProgram(runtime, line.split(' '))).toEqual(program);
  });
});
