import { chownSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Protection } from './protected.ts';
import { Stage, withoutRoot } from './spawned.test-support.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.end());

describe('Protection', () => {
  it('lets ordinary processes be', async () => {
    const { pid } = await stage.start('sh', ['-c', 'echo ready; while :; do sleep 0.2; done']);
    expect(new Protection().refusesTarget(pid)).toBeUndefined();
  });

  it('covers other parts of Raypher', async () => {
    const { pid } = await stage.start('sh', ['-c', 'echo ready; while :; do sleep 0.2; done']);
    expect(new Protection({ isOwn: (own) => own === pid }).refusesTarget(pid)).toBe('it is part of Raypher');
  });

  it.skipIf(withoutRoot !== undefined)(
    'knows critical programs by a file of root, not by a name alone',
    async () => {
      const path = join(stage.directory, 'sshd');
      copyFileSync('/bin/sh', path);
      const { pid } = await stage.start(path, ['-c', 'echo ready; while :; do sleep 0.2; done']);
      expect(new Protection().refusesTarget(pid)).toBe('sshd lets administrators in');
      expect(new Protection().refusesMember(pid)).toBeUndefined();

      chownSync(path, 65534, 65534);
      expect(new Protection().refusesTarget(pid)).toBeUndefined();
    },
  );
});
