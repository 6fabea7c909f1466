import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inTime } from './files.test-support.ts';
import { findManifest, parseRequirements } from './manifest.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raypher-manifest-'));
  mkdirSync(join(directory, 'src/deep'), { recursive: true });
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (path: string, text: string): void => writeFileSync(join(directory, path), text);
const nearest = (ecosystem: 'npm' | 'pypi') =>
  inTime((files) => findManifest(files, join(directory, 'src/deep'), ecosystem));
const names = async (ecosystem: 'npm' | 'pypi'): Promise<string[] | undefined> =>
  (await nearest(ecosystem))?.dependencies.map(({ name }) => name);

describe('findManifest', () => {
  it('takes the nearest package.json and passes over one that only sets the module format', async () => {
    write('package.json', JSON.stringify({ name: 'x', dependencies: { langchain: '^1.2' } }));
    write('src/package.json', JSON.stringify({ type: 'module' }));
    expect(await nearest('npm')).toEqual({
      file: 'package.json',
      directory,
      dependencies: [{ ecosystem: 'npm', name: 'langchain', version: '^1.2' }],
    });
    write('src/package.json', JSON.stringify({ name: 'inner', dependencies: { express: '5' } }));
    expect(await names('npm')).toEqual(['express']);
  });

  it('sees through an alias and leaves development dependencies out', async () => {
    write(
      'package.json',
      JSON.stringify({ dependencies: { lc: 'npm:@langchain/core@^1' }, devDependencies: { openai: '7' } }),
    );
    expect(await names('npm')).toEqual(['@langchain/core']);
  });

  it('reads requirements.txt and pyproject.toml together', async () => {
    write('requirements.txt', 'crewai==0.80\n');
    write(
      'pyproject.toml',
      '[project]\ndependencies = ["openai>=1", "Flask"]\n[tool.poetry.dependencies]\npython = "^3.12"\nlangchain = { version = "^0.3" }\n',
    );
    expect(await names('pypi')).toEqual(['crewai', 'openai', 'Flask', 'langchain']);
  });

  it.each([
    ['package.json', '{ broken', 'npm'],
    ['package.json', '[]', 'npm'],
    ['package.json', '{"name": "x", "dependencies": 5}', 'npm'],
    ['pyproject.toml', 'a = = b', 'pypi'],
  ] as const)('takes nothing from a broken %s: %j', async (file, text, ecosystem) => {
    write(file, text);
    expect((await names(ecosystem)) ?? []).toEqual([]);
  });

  it('does not wait for a pipe in place of a manifest', async () => {
    execFileSync('mkfifo', [join(directory, 'src/package.json')]);
    write('package.json', JSON.stringify({ dependencies: { openai: '7' } }));
    expect(await names('npm')).toEqual(['openai']);
  });
});

describe('parseRequirements', () => {
  it('reads what pip reads', () => {
    const text = [
      '# langchain',
      'langchain>=0.3,<1 # comment',
      'openai[datalib] == 1.0 ; python_version < "3.13"',
      '-r other.txt',
      '--index-url https://x',
      'vllm @ https://example.com/vllm.whl',
      'git+https://example.com/x#egg=smolagents',
      'torch \\',
      '  ==2.4',
      '',
    ].join('\n');
    expect(parseRequirements(text).map(({ name, version }) => [name, version])).toEqual([
      ['langchain', '>=0.3,<1'],
      ['openai', '== 1.0'],
      ['vllm', ''],
      ['smolagents', ''],
      ['torch', '==2.4'],
    ]);
  });
});
