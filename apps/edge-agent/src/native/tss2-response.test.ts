import { expect, test } from 'vitest';
import { isConnectionLost, isFailure, isOutOfSlots, tpmError } from './tss2-response.ts';

test.each([
  ['no TPM at the other end', 0xa000a, 'tpm/absent'],
  ['a TPM that was not started up', 0x100, 'tpm/unavailable'],
  ['a broken TPM', 0x101, 'tpm/unavailable'],
  ['no free slot, from the TPM', 0x902, 'tpm/unavailable'],
  ['no free slot, from the kernel’s resource manager', 0xc0902, 'tpm/unavailable'],
  ['no free slot for a session', 0x903, 'tpm/unavailable'],
  ['a key that was flushed meanwhile', 0x910, 'tpm/unavailable'],
  ['a hierarchy that firmware switched off', 0x185, 'tpm/unavailable'],
  ['PCRs that changed at that moment', 0x128, 'tpm/unavailable'],
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

test.each([
  ['nothing answers', 0xa000a, true, false],
  ['the first handle is unknown', 0x18b, true, false],
  ['the first handle was flushed', 0x910, true, false],
  ['the session was flushed', 0x918, true, false],
  ['there is no slot for an object', 0x902, false, true],
  ['there is no slot for a session', 0xc0903, false, true],
  ['the policy does not hold', 0x99d, false, false],
  ['a blob is another TPM’s', 0x1df, false, false],
  ['it is locked out', 0x921, false, false],
])('when %s it is known whether to try again', (_, response, isLost, isFull) => {
  const error = tpmError(response, 'do it');
  expect(isConnectionLost(error)).toBe(isLost);
  expect(isOutOfSlots(error)).toBe(isFull);
});

test('failure is told from other answers', () => {
  expect(isFailure(tpmError(0x101, 'do it'))).toBe(true);
  for (const response of [0x100, 0x1df, 0x922]) expect(isFailure(tpmError(response, 'do it'))).toBe(false);
});

test('errors that are not a TPM’s are no reason to try again', () => {
  for (const error of [new Error('0xa000a'), undefined]) {
    expect(isConnectionLost(error)).toBe(false);
    expect(isOutOfSlots(error)).toBe(false);
    expect(isFailure(error)).toBe(false);
  }
});
