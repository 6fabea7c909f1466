import { describe, expect, it } from 'vitest';
import { isSamePackage, packageOfPath } from './package-name.ts';

describe('packageOfPath', () => {
  it.each([
    ['/srv/node_modules/langchain/dist/index.js', 'npm', 'langchain'],
    ['/srv/node_modules/a/node_modules/@langchain/core/x.node', 'npm', '@langchain/core'],
    ['/srv/node_modules/.pnpm/openai@4.0.0/node_modules/openai/index.js', 'npm', 'openai'],
    ['/venv/lib/python3.12/site-packages/torch/lib/libtorch.so', 'pypi', 'torch'],
    ['/usr/lib/python3/dist-packages/yaml/_yaml.cpython-311-x86_64-linux-gnu.so', 'pypi', 'yaml'],
    ['/v/site-packages/langchain_core-0.3.1.dist-info/RECORD', 'pypi', 'langchain-core'],
    ['/v/site-packages/_cffi_backend.cpython-311-x86_64-linux-gnu.so', 'pypi', '-cffi-backend'],
  ] as const)('%s is of %s %s', (path, ecosystem, name) => {
    expect(packageOfPath(path)).toEqual({ ecosystem, name });
  });

  it.each(['/srv/node_modules_old/langchain/x.js', '/srv/node_modules/.bin/tsx', '/srv/langchain/x.js'])(
    '%s is of none',
    (path) => {
      expect(packageOfPath(path)).toBeUndefined();
    },
  );
});

describe('isSamePackage', () => {
  it.each([
    ['langchain', 'langchain', true],
    ['LangChain', 'langchain', true],
    ['langchain_core', 'langchain-core', true],
    ['@langchain/core', '@langchain/core', true],
    ['@langchain', '@langchain/core', true],
    ['langchain', 'langchain-core', false],
    ['langchain', '@langchain/core', false],
    ['@lang', '@langchain/core', false],
    ['chain', 'langchain', false],
  ])('%s names %s: %s', (wanted, found, same) => {
    expect(isSamePackage(wanted, found)).toBe(same);
  });
});
