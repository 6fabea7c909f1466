import { describe, expect, test } from 'vitest';
import { memoryFiles } from '../testing/memory-files.ts';
import { canonicalPatterns } from './canonical-patterns.ts';
import { type PathPattern, parsePattern } from './path-pattern.ts';

function canonical(pattern: string, files: readonly string[], mountinfo = ''): string[] {
  return canonicalPatterns(parsePattern(pattern) ?? [], memoryFiles(files, mountinfo), 'deny')
    .map((parts) => `/${parts.join('/')}`)
    .sort();
}

describe('a pattern as paths without links', () => {
  test.each([
    ['what is there keeps its name', '/data/a.db', ['/data/a.db'], ['/data/a.db']],
    ['so does what is not there yet', '/data/new/a.db', ['/data/'], ['/data/new/a.db']],
    [
      'a link on the way, and the link itself',
      '/var/run/docker.sock',
      ['/var/run -> /run', '/run/'],
      ['/run/docker.sock', '/var/run/docker.sock'],
    ],
    [
      'a link at the end leads to another file',
      '/data/a.db',
      ['/data/a.db -> ../mnt/real.db', '/mnt/real.db'],
      ['/data/a.db', '/mnt/real.db'],
    ],
    [
      'a link to what is not there yet',
      '/data/a.db',
      ['/data/a.db -> ../mnt/real.db', '/mnt/'],
      ['/data/a.db', '/mnt/real.db'],
    ],
    [
      'links behind a wildcard',
      '/home/*/.ssh/**',
      ['/home/ann/', '/home/bob/', '/home/bob/.ssh -> /srv/keys', '/srv/keys/'],
      ['/home/*/.ssh/**', '/home/bob/.ssh/**', '/srv/keys/**'],
    ],
    [
      'a link that a wildcard matches',
      '/home/*/.ssh/**',
      ['/home/cy -> /srv/cy', '/srv/cy/.ssh/'],
      ['/home/*/.ssh/**', '/home/cy/.ssh/**', '/srv/cy/.ssh/**'],
    ],
    ['links in a ring lead nowhere', '/a/x', ['/a -> /b', '/b -> /a'], ['/a/x', '/b/x']],
  ])('%s', (_, pattern, files, expected) => {
    expect(canonical(pattern, files)).toEqual(expected);
  });

  test('what is allowed follows links of the system alone, so that nobody can link into it', () => {
    const files = memoryFiles(['/bin -> usr/bin', '/usr/bin/git', '/srv/x -> /etc/shadow', '/etc/shadow']);
    const allowed = (pattern: string): PathPattern[] =>
      canonicalPatterns(parsePattern(pattern) ?? [], files, 'allow');
    expect(allowed('/bin/git')).toEqual([
      ['bin', 'git'],
      ['usr', 'bin', 'git'],
    ]);
    expect(allowed('/srv/x')).toEqual([['srv', 'x']]);
    expect(allowed('/srv/*')).toEqual([['srv', '*']]);
  });

  test('the same file system mounted again, and in part', () => {
    const mounts = [
      '1 0 8:1 / / rw - ext4 /dev/a rw',
      '2 1 8:1 /data /mnt/all rw - ext4 /dev/a rw',
      '3 1 8:1 /data/deep/er /mnt/part rw - ext4 /dev/a rw',
      '4 1 8:2 / /mnt/other rw - ext4 /dev/b rw',
    ].join('\n');
    expect(canonical('/data/deep/**', ['/data/deep/er/'], mounts)).toEqual([
      '/data/deep/**',
      '/mnt/all/deep/**',
      '/mnt/part',
      '/mnt/part/**',
    ]);
  });

  test('the layers below an overlay', () => {
    const mounts = [
      '1 0 8:1 / / rw - ext4 /dev/a rw',
      '2 1 0:9 / /merged rw - overlay overlay rw,lowerdir=/low/two:/low/one,upperdir=/up,workdir=/work',
    ].join('\n');
    expect(canonical('/merged/key', ['/merged/key'], mounts)).toEqual([
      '/low/one/key',
      '/low/two/key',
      '/merged/key',
      '/up/key',
    ]);
  });
});
