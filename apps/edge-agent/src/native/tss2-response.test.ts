import { expect, test } from 'vitest';
import { tpmError } from './tss2-response.ts';

test.each([
  ['no TPM at the other end', 0xa000a, 'tpm/absent'],
  ['a TPM that was not started up', 0x100, 'tpm/unavailable'],
  ['a broken TPM', 0x101, 'tpm/unavailable'],
  ['no free slot, from the TPM', 0x902, 'tpm/unavailable'],
  ['no free slot, from the kernel’s resource manager', 0xc0902, 'tpm/unavailable'],
  ['lockout', 0x921, 'tpm/locked-out'],
  ['a wrong password in the first session', 0x9a2, 'tpm/permission'],
  ['a wrong password in the second session', 0xa8e, 'tpm/permission'],
  ['a blob of another TPM, as first parameter', 0x1df, 'tpm/cleared'],
  ['a policy that does not hold', 0x99d, 'tpm/policy'],
  ['a number without a meaning of its own', 0x1c4, 'tpm/refused'],
  ['the same number from the software stack', 0x70921, 'tpm/refused'],
])('%s is told from its number', (_, response, code) => {
  const error = tpmError(response, 'do it');
  expect(error).toMatchObject({ code, details: { response: `0x${response.toString(16)}` } });
  expect(error.message).toMatch(/do it/);
});
