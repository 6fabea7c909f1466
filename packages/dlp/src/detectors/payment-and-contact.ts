import type { NumberDetector, TokenDetector } from '../detect/detector.ts';
import { digitsOf, isOneDigitRepeated } from '../validate/digits.ts';
import { isAbaRouting } from '../validate/national-ids.ts';
import { isPaymentCard } from '../validate/payment-card.ts';
import { hasEthereumChecksum, isBase58CheckAddress, isBech32Address } from '../validate/wallet.ts';
import { credential } from './credential.ts';
import { number } from './numbers.ts';

const CARD_WORDS = ['card', 'visa', 'mastercard', 'amex', 'credit', 'debit', 'cvv', 'cvc'];
const PHONE_WORDS = [
  'phone',
  'tel',
  'telefon',
  'mobile',
  'cell',
  'call me',
  'call us',
  'call him',
  'call her',
  'call at',
  'call on',
  'call back',
  'please call',
  'reach me',
  'fax',
  'whatsapp',
  'sms',
  'dial',
  'handy',
  'movil',
  'telefono',
  'numero',
  'contact me',
  'contact us',
  'contact number',
  'contact no',
  'ruf mich',
  'rufen sie',
  'rufnummer',
  'erreichbar',
  'mobil',
  'appelle',
  'appelez',
  'joignable',
  'llama al',
  'celular',
  'cellulare',
  'chiamami',
  'telemovel',
  'cep no',
  'telepono',
  '\u0442\u0435\u043b',
  '\u0442\u0435\u043b\u0435\u0444\u043e\u043d',
  '\u7535\u8bdd',
  '\u624b\u673a',
  '\u96fb\u8a71',
  '\u643a\u5e2f',
  '\uc804\ud654',
  '\ud734\ub300\ud3f0',
  '\u03c4\u03b7\u03bb',
];

/** Numbering plan of North America: area and exchange begin with 2–9, neither ends in 11. */
function isNorthAmerican(text: string): boolean {
  const digits = digitsOf(text)
    .join('')
    .replace(/^1(?=\d{10}$)/, '');
  return /^[2-9](?!11)\d{2}[2-9](?!11)\d{6}$/.test(digits) && !NOBODYS.test(digits);
}

/** Numbers that nobody has: 555-5555 and the like; and free ones, which are of companies. */
const NOBODYS =
  /^(?:5{3}\d{7}|\d{3}(\d)\1{6}|\d{3}555(?:1234|1212)|8(?:00|33|44|55|66|77|88)\d{7}|\d{3}555(\d)\2{3})$/;

/** E.164: a country code that exists and 7 to 15 digits in all. */
const COUNTRY_CODE =
  /^(?:1|7|2[07]|3[0123469]|4[013456789]|5[1-8]|6[0-6]|8[1246]|9[0-58]|21[1-368]|22\d|23\d|24\d|25[0-8]|26\d|29[01789]|35\d|37[0-8]|38[0-35-79]|42[013]|50\d|59\d|67[02-9]|68[0-35-9]|69[0-2]|8[05]\d|87\d|88[0-368]|96[0-8]|97[0-7]|99[2-68])/;

function isInternational(text: string): boolean {
  const digits = digitsOf(text);
  const plain = digits.join('').replace(/^00/, '');
  return plain.length >= 8 && plain.length <= 15 && COUNTRY_CODE.test(plain) && !isOneDigitRepeated(digits);
}

/** Groups as cards print them, and no row of a table that goes on at either side. */
function isWrittenLikeCard(value: string, before: string, after: string): boolean {
  const groups = value.split(/[ .-]+/);
  if (groups.length === 1) return true;
  const printed =
    groups.length >= 3 && groups[0]?.length === 4 && groups.every(({ length }) => length >= 3 && length <= 7);
  if (!printed || value.replace(/\D/g, '').length < 14) return false;
  return !/[0-9A-Fa-f]{4}[ \n]$/.test(before) && !/^[ \n][0-9A-Fa-f]{4}\b/.test(after);
}

export const PAYMENT_NUMBERS: readonly NumberDetector[] = [
  number(
    'payment-card',
    'Payment card number',
    [12, 19],
    '\\d(?:[ .-]{0,2}\\d){11,18}',
    CARD_WORDS,
    isPaymentCard,
    ['4111 1111 1111 1111', '5555-5555-5555-4444', '371449635398431'],
    {
      category: 'payment',
      severity: 'critical',
      where: 'anywhere',
      allows: isWrittenLikeCard,
      good: [
        '4111 1111 1111 1112',
        '1748503543012',
        'value [ 6 7 0 0 6 7 0 0 6 7 0 0 ]',
        '6123 5074 5247 5373 606F',
      ],
    },
  ),
  number(
    'aba-routing',
    'ABA routing number',
    [9, 9],
    '\\d{4}[- ]?\\d{4}[- ]?\\d',
    ['routing', 'aba', 'rtn', 'bank', 'wire transfer', 'ach'],
    isAbaRouting,
    ['routing number 121000358'],
    { category: 'payment', severity: 'medium', good: ['421042111'] },
  ),
  number(
    'us-bank-account',
    'Bank account number',
    [8, 17],
    '\\d{8,17}',
    ['account number', 'acct', 'bank account', 'checking', 'savings', 'kontonummer', 'account no'],
    undefined,
    ['bank account 945456787654'],
    { category: 'payment', severity: 'medium', confidence: 0.5, good: ['1234567'] },
  ),
  number(
    'ethereum-address-named',
    'Ethereum address',
    [10, 40],
    '0x[0-9a-fA-F]{40}',
    ['ethereum', 'eth', 'wallet', 'metamask', 'erc20', 'usdt', 'usdc'],
    undefined,
    ['my ethereum address is 0x{hex:40}'],
    { category: 'wallet', severity: 'medium', confidence: 0.7, good: ['contract 0x{hex:40}'] },
  ),
  number(
    'card-security-code',
    'Card security code',
    [3, 4],
    '\\d{3,4}',
    ['cvv', 'cvc', 'cvv2', 'security code'],
    undefined,
    ['CVV: 123'],
    { category: 'payment', severity: 'high', confidence: 0.6, good: ['call 123'] },
  ),
];

/** `2014-09-19`, `19.9.2014`, `1996-2000`, `5.009002`, `0329.0020.0004`: what stands where phones might. */
function isDateOrMeasure(text: string): boolean {
  return (
    /^(?:19|20)\d{2}[-./](?:0?[1-9]|1[0-2])[-./]\d{1,2}/.test(text) ||
    /^\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d{2}$/.test(text) ||
    /^(?:19|20)\d{2}\s?[-/]\s?(?:19|20)\d{2}$/.test(text) ||
    /^\d+\.\d+$/.test(text) ||
    /^\d{4}(?:\.\d{4})+$/.test(text)
  );
}

export const PHONES: readonly NumberDetector[] = [
  number(
    'phone-international',
    'Phone number with country code',
    [8, 15],
    '(?:\\+)[1-9](?:[ .()/-]{0,3}\\d){6,14}',
    PHONE_WORDS,
    isInternational,
    ['+1 415 555 0132', '+49 30 1234567', '+44 (20) 7123 4567'],
    { category: 'contact', severity: 'medium', confidence: 0.8, where: 'anywhere', good: ['+999 12'] },
  ),
  number(
    'phone-dialled-abroad',
    'Phone number with 00 and country code',
    [9, 17],
    '00[1-9](?:[ .()/-]{0,3}\\d){6,14}',
    [...PHONE_WORDS, 'number', 'nummer'],
    isInternational,
    ['Telefon: 0049 30 1234567'],
    { category: 'contact', severity: 'medium', confidence: 0.7, good: ['a 002 6.805 4 4 0 11-7.51'] },
  ),
  number(
    'phone-north-america',
    'Phone number',
    [10, 11],
    '(?:1[ .-])?\\(\\d{3}\\)[ ]?\\d{3}[-. ]\\d{4}|(?:1[ .-])?\\d{3}([-.])\\d{3}\\1\\d{4}',
    PHONE_WORDS,
    isNorthAmerican,
    ['(415) 555-0132', '415-555-0132'],
    { category: 'contact', severity: 'medium', confidence: 0.7, where: 'anywhere', good: ['115-555-0132'] },
  ),
  number(
    'phone-named',
    'Phone number',
    [7, 15],
    '\\(?\\d{1,5}\\)?(?:[ .()/-]{0,2}\\d){6,13}',
    PHONE_WORDS,
    (text) =>
      !isOneDigitRepeated(digitsOf(text)) && !isDateOrMeasure(text) && !NOBODYS.test(digitsOf(text).join('')),
    ['my phone is 09 762 5400'],
    { category: 'contact', severity: 'medium', confidence: 0.6, alone: false, good: ['1234567'] },
  ),
  number(
    'phone-east',
    'Phone number (PH, TR, CN, JP)',
    [10, 13],
    '0[ ]?\\(?(?:5[03-6]|9\\d)\\d\\)?[ -]?\\d{3}[ -]?\\d{2}[ -]?\\d{2}|0?[ -]?\\(?[2-5]\\d{2}\\)?[ .-]\\d{3}[ .-]\\d{2}[ .-]\\d{2}|0[ -]?[2-5]\\d{9}|0[789]0-\\d{4}-\\d{4}|1[3-9]\\d{9}|5[03-6]\\d{8}',
    [
      ...PHONE_WORDS,
      'numara',
      'telefon',
      'numero',
      'japanese',
      'cn number',
      'birinci',
      'numaram',
      'number',
      'ikinci',
      'second',
      'first',
    ],
    (text) => !isOneDigitRepeated(digitsOf(text)) && !/^1[5-9]\d{11}$/.test(text),
    ['my number is 13812345678'],
    { category: 'contact', severity: 'medium', confidence: 0.5, good: ['532123456'] },
  ),
];

export const CONTACT_TOKENS: readonly TokenDetector[] = [
  {
    ...credential('email', 'E-mail address', ['maria{digit:2}@northwind.com']),
    category: 'contact',
    severity: 'medium',
    confidence: 0.9,
    keywords: ['@'],
    lead: { characters: /[A-Za-z0-9._%+'-]/, most: 64 },
    // Quotes around an address are characters that its name may have, too.
    pattern:
      "[._%+'-]{0,4}([A-Za-z0-9](?:[A-Za-z0-9._%+'-]{0,63})@(?:[A-Za-z0-9\u00c0-\u024f](?:[A-Za-z0-9\u00c0-\u024f-]{0,62})\\.){1,6}(?:xn--[a-z0-9-]{2,59}|[A-Za-z]{2,24})(?![A-Za-z0-9_-]))",
    entropy: 0,
    validate: isMailbox,
    unlessPublished: true,
    examples: {
      bad: [
        'maria.lopez{digit:2}@northwind-traders.com',
        'a.b+c@sub.northwind.co.uk',
        "where email = 'maria{digit:2}@northwind.com'",
        'jo{digit:2}@m\u00fcller-bau.de',
      ],
      good: [
        'git@github.com',
        'pkg@1.2.3',
        'user@example.com',
        'info@presidio.',
        'alice@company.com',
        'security@northwind.com',
        'Copyright (c) 2024 Maria Lopez <maria@lopez.dev>',
        'scp deploy@build.northwind.com:/srv/x .',
      ],
    },
  },
];

const MONTH =
  '(?:jan|feb|f\u00e9v|mar|m\u00e4r|apr|avr|abr|may|mai|mag|jun|jui|giu|jul|lug|aug|ago|ao\u00fb|sep|set|oct|okt|ott|out|nov|dec|dez|d\u00e9c|dic|ene|gen)[a-z\u00e0-\u00ff]{0,8}\\.?';

/** Days of birth with the month in letters: numbers with a word in them. */
export const BIRTHDAYS: readonly TokenDetector[] = [
  {
    ...credential('date-of-birth-in-words', 'Date of birth', ['born on 20 May 1983']),
    category: 'person',
    severity: 'medium',
    confidence: 0.8,
    keywords: [
      'born',
      'birth',
      'dob',
      'geboren',
      'geburtsdatum',
      'naissance',
      'nacimiento',
      'nacid',
      'nascita',
      'nato il',
      'nata il',
    ],
    pattern: `(?<=.|^)(?:born|birth(?:day|date)?|dob|geboren|geburtsdatum|naissance|nacimiento|nacid[oa]|nascita|nat[oa] il)(?: in [A-Z\u00c0-\u00de][A-Za-z\u00c0-\u024f-]{1,24})?(?:[ _"'\`:=,(]|on|is|was|the|am|den|el|le|il|date|of){0,10}((?:\\d{1,2}(?:st|nd|rd|th|er|\\.)?,? (?:de |of )?${MONTH} (?:de |of )?|${MONTH} \\d{1,2}(?:st|nd|rd|th)?,? )(?:19|20)\\d{2})`,
    ignoreCase: true,
    entropy: 0,
    examples: {
      bad: [
        'born on 20 May 1983',
        '"date_of_birth": "July 25, 1972"',
        'geboren am 3. M\u00e4rz 1961',
        'nacido el 3 de enero de 1961',
      ],
      good: ['released on 20 May 1983', 'born in a barn, may 2 1983 others'],
    },
  },
];

/** Addresses that belong to nobody: documentation's domains, version control users, automatic senders, files named like mail. */
const NOBODY =
  /@(?:[\w\u00c0-\u024f-]+\.)*(?:example\.(?:com|org|net|edu)|example|test|invalid|localhost|local|users\.noreply\.github\.com|email\.com|domain\.com|yourdomain\.com|company\.com\.example)$/i;
const NO_REPLY = /^(?:git|noreply|no-reply|donotreply|postmaster|mailer-daemon|hg|svn|root|nobody)@/i;
const NO_TOP_LEVEL =
  /\.(?:js|ts|mjs|py|go|rs|rb|java|css|html|json|yaml|yml|toml|md|txt|png|jpe?g|svg|gif|webp|lock|sh|tgz|gz|zip|dev[0-9]|service|target|socket|mount|timer|slice|internal)$/i;

function isMailbox(address: string): boolean {
  return (
    !NOBODY.test(address) &&
    !NO_REPLY.test(address) &&
    !NO_TOP_LEVEL.test(address) &&
    !/\.\.|\.@/.test(address)
  );
}

/** Litecoin, Dogecoin, Dash and TRON write their addresses the same way. */
const BITCOIN = '[13LMDXT][1-9A-HJ-NP-Za-km-z]{25,34}';
export const WALLETS: readonly TokenDetector[] = [
  wallet('ethereum-address', 'Ethereum address', ['0x'], '0x[0-9a-fA-F]{40}', hasEthereumChecksum, [
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  ]),
  wallet(
    'bitcoin-bech32-address',
    'Bitcoin or Litecoin address (SegWit)',
    ['bc1', 'tb1', 'ltc1'],
    '(?:bc|tb|ltc)1[02-9ac-hj-np-z]{20,87}',
    isBech32Address,
    ['bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq'],
  ),
];

/** Has no mark: looked for among tokens of its length. */
export const BITCOIN_ADDRESS: TokenDetector = wallet(
  'bitcoin-address',
  'Bitcoin address, or one of its kind',
  [],
  BITCOIN,
  isBase58CheckAddress,
  ['16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ'],
);

function wallet(
  id: string,
  title: string,
  keywords: readonly string[],
  pattern: string,
  validate: (text: string) => boolean,
  bad: readonly string[],
): TokenDetector {
  return {
    kind: 'token',
    id,
    title,
    category: 'wallet',
    severity: 'medium',
    confidence: 1,
    keywords,
    pattern,
    validate,
    examples: { bad, good: bad.map((address) => `${address}2`) },
  };
}
