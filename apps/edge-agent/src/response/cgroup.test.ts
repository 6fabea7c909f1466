import { describe, expect, it } from 'vitest';
import { findCgroupMount } from './cgroup.ts';

describe('findCgroupMount', () => {
  it.each([
    [
      'beside version 1',
      '40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n',
      { path: '/sys/fs/cgroup/unified', root: '/' },
    ],
    [
      'alone, with optional fields',
      '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 master:2 - cgroup2 cgroup2 rw,nsdelegate\n',
      { path: '/sys/fs/cgroup', root: '/' },
    ],
    [
      'in a container, at a path with a blank',
      '30 23 0:26 /docker/ab /sys/fs/my\\040cgroup ro - cgroup2 cgroup ro\n',
      { path: '/sys/fs/my cgroup', root: '/docker/ab' },
    ],
    ['nowhere', '32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n', undefined],
  ])('finds the unified hierarchy %s', (_, mountinfo, mount) => {
    expect(findCgroupMount(mountinfo)).toEqual(mount);
  });
});
