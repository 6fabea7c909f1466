import { spawnSync } from 'node:child_process';
import { TestTpm, tpmUnavailable } from '@raypher/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAIN, TEST_ENVIRONMENT } from '../testing/command-line.ts';

function identity(tcti: string, ...args: string[]) {
  return spawnSync(process.execPath, [MAIN, 'identity', ...args], {
    env: { PATH: process.env.PATH, ...TEST_ENVIRONMENT, HOME: '/nowhere', RAYPHER_TPM_TCTI: tcti },
    encoding: 'utf8',
  });
}

describe.skipIf(tpmUnavailable)(`raypher identity ${tpmUnavailable ?? ''}`, () => {
  let chip: TestTpm;
  beforeAll(async () => {
    chip = await TestTpm.start({ manufactured: true });
  });
  afterAll(() => chip?.stop());

  test('tells programs and people the same fingerprint', () => {
    const json = JSON.parse(identity(chip.tcti, '--json').stdout);
    const { stdout, status } = identity(chip.tcti);
    expect(status).toBe(0);
    expect(stdout).toContain('virtual');
    expect(stdout).toContain('Not enrolled: the class is what this machine says of itself.');
    expect(json.enrolment).toBeNull();
    expect(stdout).toContain('CN=swtpm-localca');
    expect(stdout).toContain(`${json.tpm.endorsementKey.fingerprint} (rsa2048 endorsement key)`);
  });
});

test('a TPM that is not where the configuration says ends with 11 and what to correct', () => {
  const { stderr, stdout, status } = identity('device:/nowhere/tpm');
  expect(status).toBe(11);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/no TPM at \/nowhere\/tpm[\s\S]*tpm\.tcti/);
});
