import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalisePath } from './path.ts';
import { compilePathGlob, expandHome } from './path-glob.ts';
import { quickestMs } from './quickest-ms.test-support.ts';

describe('a path is compared in one spelling', () => {
  test.each([
    ['/etc/passwd', '/etc/passwd'],
    ['/etc//passwd', '/etc/passwd'],
    ['/srv/../etc/./passwd', '/etc/passwd'],
    ['/../../etc/passwd', '/etc/passwd'],
    ['/etc/passwd/', '/etc/passwd'],
    ['/etc/passwd/.', '/etc/passwd'],
    ['/srv/x/..', '/srv'],
    ['/', '/'],
    ['/srv/...', '/srv/...'],
    ['/srv/.env', '/srv/.env'],
    ['/srv/..env', '/srv/..env'],
    ['c:\\Users\\ann\\..\\bob', 'C:/Users/bob'],
    ['etc/passwd', undefined],
    ['', undefined],
    ['/etc/passwd\0.txt', undefined],
    [`/${'a'.repeat(5000)}`, undefined],
  ])('%s', (written, canonical) => {
    expect(normalisePath(written)).toBe(canonical);
  });

  test('normalising again changes nothing, and the quick way agrees with the thorough one', () => {
    const part = fc.constantFrom('a', 'b.c', '.', '..', '', '.env', '...', 'x y');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const canonical = normalisePath(`/${parts.join('/')}`) ?? '';
        expect(normalisePath(canonical)).toBe(canonical);
        expect(canonical).not.toMatch(/\/\.{0,2}\/|\/\.{1,2}$|.\/$/);
      }),
    );
  });
});

describe('a glob over paths', () => {
  test.each([
    ['/srv/**', '/srv', true],
    ['/srv/**', '/srv/a/b', true],
    ['/srv/**', '/srvx/a', false],
    ['/srv/', '/srv/a', true],
    ['/srv/*', '/srv/a', true],
    ['/srv/*', '/srv/a/b', false],
    ['/srv/*', '/srv', false],
    ['**/.env', '/.env', true],
    ['**/.env', '/home/ann/app/.env', true],
    ['**/.env', '/home/ann/app/.env.local', false],
    ['**/.env*', '/home/ann/app/.env.local', true],
    ['**/.ssh/**', '/home/ann/.ssh/keys/id', true],
    ['/a/**/b/**/c', '/a/b/x/b/y/c', true],
    ['/a/**/b/**/c', '/a/x/c', false],
    ['/etc/pass?d', '/etc/passwd', true],
    ['/etc/pass?d', '/etc/pass/d', false],
    ['/etc/passwd', '/etc/passwd-', false],
    ['/etc/*.conf', '/etc/x.conf.bak', false],
  ])('%s and %s: %s', (pattern, path, holds) => {
    expect(compilePathGlob(pattern)(path)).toBe(holds);
  });

  test('no pattern makes matching slow', () => {
    const glob = compilePathGlob(`/${'**/a*a*a*/'.repeat(40)}b`);
    const path = `/${'aaaaaaaaaaaaaaaa/'.repeat(200)}c`;
    expect(glob(path)).toBe(false);
    expect(quickestMs(() => glob(path))).toBeLessThan(1000);
  });

  test('~/ is every home directory', () => {
    const globs = expandHome('~/.ssh/**').map(compilePathGlob);
    for (const path of ['/home/ann/.ssh/id', '/root/.ssh/id', '/Users/ann/.ssh']) {
      expect(globs.some((glob) => glob(path))).toBe(true);
    }
    expect(globs.some((glob) => glob('/home/.ssh/id'))).toBe(false);
  });

  test('says the same as a regular expression made from it', () => {
    const pattern = fc.array(fc.constantFrom('a', 'b', '*', '**', 'a*', '?'), { minLength: 1, maxLength: 5 });
    const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'ba'), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(pattern, path, (parts, names) => {
        const source = parts
          .map((part) =>
            part === '**' ? '(?:/[^/]+)*' : `/${part.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}`,
          )
          .join('');
        const text = `/${names.join('/')}`;
        expect(compilePathGlob(`/${parts.join('/')}`)(text)).toBe(new RegExp(`^${source}$`).test(text));
      }),
      { numRuns: 2000 },
    );
  });
});
