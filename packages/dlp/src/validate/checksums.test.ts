import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ibanLength } from './iban.ts';
import { passesLuhn } from './luhn.ts';
import { isItalianFiscalCode, isPesel, isUkNhs } from './national-ids.ts';
import { isAadhaar } from './national-ids-of-asia-and-africa.ts';
import { isPaymentCard } from './payment-card.ts';
import { hasEthereumChecksum, isBase58CheckAddress, isBech32Address } from './wallet.ts';

/** Public test values of the schemes and their authorities. */
const SCHEMES: readonly [name: string, check: (text: string) => boolean, valid: string][] = [
  ['Luhn', passesLuhn, '79927398713'],
  ['payment card', isPaymentCard, '4111111111111111'],
  ['IBAN', (text) => ibanLength(text) > 0, 'GB82WEST12345698765432'],
  ['Bitcoin Base58Check', isBase58CheckAddress, '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2'],
  ['Bech32', isBech32Address, 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
  ['EIP-55', hasEthereumChecksum, '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
  ['NHS number', isUkNhs, '9434765919'],
  ['Aadhaar (Verhoeff)', isAadhaar, '312345678909'],
  ['PESEL', isPesel, '44051401458'],
  ['codice fiscale', isItalianFiscalCode, 'RSSMRA85T10A562S'],
];

describe.each(SCHEMES)('%s', (_, check, valid) => {
  test('accepts the public test value', () => expect(check(valid)).toBe(true));

  test('refuses it with any one digit changed', () => {
    const places = [...valid].flatMap((character, index) =>
      /\d/.test(character) && index > 1 ? [index] : [],
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.integer({ min: 1, max: 9 }), (place, step) => {
        const changed = (Number(valid[place]) + step) % 10;
        expect(check(`${valid.slice(0, place)}${changed}${valid.slice(place + 1)}`)).toBe(false);
      }),
    );
  });
});

test('a grouped IBAN ends where its country says', () => {
  expect(ibanLength('GB82 WEST 1234 5698 7654 32 and more')).toBe('GB82 WEST 1234 5698 7654 32'.length);
});
