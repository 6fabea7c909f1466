import { mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import { followLocalPolicy } from './local-policy.ts';

test('a local policy that cannot be read is reported, and followed again once it can be', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'raypher-local-')), 'policy.yaml');
  mkdirSync(path);
  const applied = vi.fn();
  const refused = vi.fn();
  const { stop, reload } = followLocalPolicy(path, new PolicyEnforcer('software'), { applied, refused });
  expect(refused).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'EISDIR' }));
  rmdirSync(path);
  writeFileSync(path, 'apiVersion: raypher/v1\nmode: enforce\nnetwork: { default: deny }\n');
  reload();
  expect(applied).toHaveBeenCalled();
  stop();
});
