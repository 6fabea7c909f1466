import { formatVerifierKey, verifierKey } from '@raypher/ledger';
import { describe, expect, it } from 'vitest';
import { parseWitnesses } from './witness.ts';

const vkey = (type: 'cosignature' | 'ed25519') =>
  formatVerifierKey(verifierKey('witness.example/w1', type, new Uint8Array(32).fill(7)));

describe('a list of witnesses', () => {
  it('has one in a line; empty lines and remarks mean nothing', () => {
    const text = `# ours\n\nwitness w1 ${vkey('cosignature')} https://witness.example/w1/\n`;
    expect(parseWitnesses(text)).toMatchObject([
      { url: 'https://witness.example/w1', key: { name: 'witness.example/w1', type: 'cosignature' } },
    ]);
    expect(parseWitnesses('')).toEqual([]);
  });

  it.each([
    ['another word', `log ${vkey('cosignature')} https://witness.example`],
    ['a key of a log', `witness w1 ${vkey('ed25519')} https://witness.example`],
    ['no key', 'witness w1 nothing https://witness.example'],
    ['no address', `witness w1 ${vkey('cosignature')}`],
    ['an address with a user', `witness w1 ${vkey('cosignature')} https://a:b@witness.example`],
    ['another scheme', `witness w1 ${vkey('cosignature')} file:///etc/passwd`],
    ['more words', `witness w1 ${vkey('cosignature')} https://witness.example more`],
  ])('is refused with %s, and the line is named', (_, line) => {
    expect(() => parseWitnesses(`\n${line}`)).toThrow(/^Line 2 of the list of witnesses/);
  });
});
