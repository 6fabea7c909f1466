import { expect, test } from 'vitest';
import { unitText } from './unit-text.ts';

test('an ordinary installation has the packaged unit with its own command', () => {
  const unit = unitText(['/usr/local/bin/raypher', 'service'], '/var/lib/raypher');
  expect(unit).toContain('\nExecStart=/usr/local/bin/raypher service\n');
  expect(unit).toContain('\nStateDirectory=raypher\n');
  expect(unit.match(/^ExecStart=/gm)).toHaveLength(1);
});

test('another data folder is named to the service, and is the one that it may write', () => {
  const unit = unitText(['/usr/bin/raypher', 'service'], '/srv/agent');
  expect(unit).toContain('\nEnvironment=RAYPHER_DATA_DIR=/srv/agent\nReadWritePaths=/srv/agent\n');
  expect(unit).not.toMatch(/^StateDirectory/m);
});

test('what systemd would expand or split in a path is what it was', () => {
  const unit = unitText(['/opt/a b/ray%h"x\\y$HOME', 'service'], '/var/lib/raypher');
  expect(unit).toContain('\nExecStart="/opt/a b/ray%%h\\"x\\\\y$$HOME" service\n');
});

test('a path cannot bring lines of its own', () => {
  expect(() => unitText(['/opt/x\nExecStartPre=/tmp/evil', 'service'], '/var/lib/raypher')).toThrow('line');
  expect(() => unitText(['/usr/bin/raypher'], '/srv/x\nUser=nobody')).toThrow('line');
});
