import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { requireInside } from './inside-root.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'raypher-image-'));
});
afterEach(() => rmSync(root, { recursive: true }));

test('what does not exist yet, or is an ordinary file, is inside', () => {
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/raypher.service'), '');
  expect(() => requireInside(root, join(root, 'etc/raypher.service'))).not.toThrow();
  expect(() => requireInside(root, join(root, 'etc/systemd/system/raypher.service'))).not.toThrow();
  expect(() => requireInside('/', '/etc/raypher/agent.toml')).not.toThrow();
});

test.each([
  ['the file', 'unit', '/etc/hostname'],
  ['a folder above it', 'etc', '/etc'],
  ['a link that leads to nothing yet', 'unit', '/nonexistent/unit'],
  ['a folder that leads to nothing yet', 'etc', '/nonexistent'],
  ['a relative link', 'etc', '../../etc'],
])('%s must not be a link out of the image', (_, link, target) => {
  symlinkSync(target, join(root, link));
  const path = link === 'unit' ? join(root, 'unit') : join(root, 'etc/raypher/agent.toml');
  expect(() => requireInside(root, path)).toThrow(expect.objectContaining({ code: 'config/invalid' }));
});
