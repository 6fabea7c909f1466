import type { TpmRoot } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { matchingRoots } from './matching-roots.ts';

function root(change: Partial<TpmRoot>): TpmRoot {
  return {
    fingerprint: 'aa11',
    subject: 'CN=Infineon OPTIGA(TM) RSA Root CA',
    manufacturer: 'Infineon',
    kind: 'hardware',
    notAfter: '2043-07-26T23:59:59.000Z',
    origin: 'built-in',
    trusted: true,
    devices: 0,
    ...change,
  };
}

const infineon = root({});
const own = root({
  fingerprint: 'bb22',
  manufacturer: 'Northwind',
  subject: 'CN=Lab',
  origin: 'organisation',
});
const distrusted = root({
  fingerprint: 'cc33',
  manufacturer: 'Intel',
  subject: 'CN=Intel ODCA',
  trusted: false,
  devices: 3,
});
const all = [infineon, own, distrusted];

describe('a search in the pinned roots', () => {
  it('finds maker, name and fingerprint, whatever the case, and every word', () => {
    expect(matchingRoots(all, 'INFINEON root', undefined)).toEqual([infineon]);
    expect(matchingRoots(all, 'bb2', undefined)).toEqual([own]);
    expect(matchingRoots(all, 'lab infineon', undefined)).toEqual([]);
  });

  it('is everything without words', () => {
    expect(matchingRoots(all, '  ', undefined)).toEqual(all);
  });

  it('keeps to own ones, those in use, or distrusted ones', () => {
    expect(matchingRoots(all, '', 'own')).toEqual([own]);
    expect(matchingRoots(all, '', 'in-use')).toEqual([distrusted]);
    expect(matchingRoots(all, '', 'distrusted')).toEqual([distrusted]);
  });
});
