import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';

const PACKAGE = new URL('../../', import.meta.url).pathname;
const Manifest = z.object({ name: z.string(), version: z.string(), bin: z.object({ raypher: z.string() }) });

test('a fresh clone has the `raypher` command as soon as npm installed, and it says what to do before the build', () => {
  const { name, version, bin } = Manifest.parse(
    JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')),
  );
  const clone = mkdtempSync(join(tmpdir(), 'raypher-bin-'));
  try {
    const workspace = join(clone, 'agent');
    mkdirSync(workspace);
    writeFileSync(join(clone, 'package.json'), JSON.stringify({ private: true, workspaces: ['agent'] }));
    writeFileSync(join(workspace, 'package.json'), JSON.stringify({ name, version, bin }));
    // What the build makes is not in a clone.
    const folder = dirname(join(bin.raypher));
    if (!folder.startsWith('dist'))
      cpSync(join(PACKAGE, folder), join(workspace, folder), { recursive: true });
    execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund'], { cwd: clone, stdio: 'pipe' });

    const command = join(clone, 'node_modules', '.bin', 'raypher');
    expect(existsSync(command)).toBe(true);
    const { status, stderr } = spawnSync(command, ['status'], { encoding: 'utf8' });
    expect(stderr).toContain('npm start');
    expect(status).toBe(1);
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
}, 60_000);
