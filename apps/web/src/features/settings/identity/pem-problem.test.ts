import { describe, expect, it } from 'vitest';
import { pemProblem } from './pem-problem.ts';

const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const privateKey = certificate.replaceAll('CERTIFICATE', ['PRIVATE', 'KEY'].join(' '));

describe('a pasted certificate', () => {
  it('may be right with one block, whatever is around it', () => {
    expect(pemProblem(`subject: a root\n${certificate}`)).toBeUndefined();
  });

  it('has no problem while nothing is pasted', () => {
    expect(pemProblem('  \n')).toBeUndefined();
  });

  it.each([
    ['no block', 'MIIB', /BEGIN CERTIFICATE/],
    ['two certificates', certificate + certificate, /2 certificates/],
    ['a private key beside it', certificate + privateKey, /private key/],
    ['what is not Base64', certificate.replace('MIIB', 'MI<B'), /Base64/],
  ])('is refused with %s', (_, text, problem) => {
    expect(pemProblem(text)).toMatch(problem);
  });
});
