import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatToken, hashSecret, newSecret, parseToken } from './token-format.ts';

const parts = { id: randomUUID(), secret: newSecret(), pin: newSecret() };

describe('an enrolment token', () => {
  it('is read back as it was written', () => {
    expect(parseToken(formatToken(parts))).toEqual(parts);
  });

  it('may have white space around it, as pasted text has', () => {
    expect(parseToken(` ${formatToken(parts)}\n`)).toEqual(parts);
  });

  it.each([
    ['', 'nothing'],
    ['rpt1', 'the prefix alone'],
    [formatToken(parts).replace('rpt1', 'rpt2'), 'another version'],
    [formatToken(parts).slice(0, -1), 'a cut end'],
    [`${formatToken(parts)}.x`, 'a fifth part'],
    [formatToken(parts).toUpperCase(), 'upper case'],
  ])('is refused: %s (%s)', (token) => {
    expect(parseToken(token)).toBeUndefined();
  });

  it('is kept as a hash from which the secret does not follow', () => {
    expect(hashSecret(parts.secret)).toHaveLength(32);
    expect(hashSecret(parts.secret).toString('base64url')).not.toBe(parts.secret);
  });
});
