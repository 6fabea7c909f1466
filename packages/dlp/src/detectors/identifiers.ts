import type { NumberDetector, TokenDetector } from '../detect/detector.ts';
import { isIpv4, isIpv6 } from '../validate/ip-address.ts';
import { credential } from './credential.ts';
import { number } from './numbers.ts';

const PERSONAL = { category: 'person', severity: 'low' } as const;
const PLATE = [
  'plate',
  'plaka',
  'kennzeichen',
  'car reg',
  'reg no',
  'registration number',
  'registration no',
  'vehicle',
  'vehicles',
  'number plate',
];
const POSTAL = ['postcode', 'post code', 'postal', 'my address', 'home address', 'delivery address', 'plz'];

/** Vehicles and postcodes: too short for a checksum, so a word beside them has to say what they are. */
export const VEHICLES_AND_POSTCODES: readonly NumberDetector[] = [
  number(
    'uk-vehicle',
    'UK vehicle registration',
    [1, 4],
    '[A-Z]{2}\\d{2}[ -]?[A-Z]{3}|[A-Z]\\d{1,3} ?[A-Z]{3}|[A-Z]{3} ?\\d{1,3}[A-Z]',
    PLATE,
    undefined,
    ['my car reg is AB51 ABC'],
    { ...PERSONAL, confidence: 0.5, good: ['number plate AB5 AB'] },
  ),
  number(
    'in-vehicle',
    'Indian vehicle registration',
    [5, 6],
    '[A-Z]{2}[ -]?\\d{1,2}[ -]?[A-Z]{1,3}[ -]?\\d{4}',
    PLATE,
    undefined,
    ['registration number is KA53ME3456'],
    { ...PERSONAL, confidence: 0.5 },
  ),
  number(
    'ng-vehicle',
    'Nigerian vehicle registration',
    [3, 3],
    '[A-Za-z]{3}[- ]?\\d{3}[A-Za-z]{2}',
    [...PLATE, 'plates'],
    undefined,
    ['The plate number is ABJ-123XY'],
    { ...PERSONAL, confidence: 0.5 },
  ),
  number(
    'tr-vehicle',
    'Turkish vehicle registration',
    [4, 6],
    '(?:0[1-9]|[1-7]\\d|8[01]) ?[A-Za-z]{1,3} ?\\d{2,4}',
    [...PLATE, 'plakas'],
    undefined,
    ['Plaka 34 ABC 1234'],
    { ...PERSONAL, confidence: 0.5, good: ['Plaka 82 ABC 1234'] },
  ),
  number(
    'de-vehicle',
    'German vehicle registration',
    [1, 4],
    '[A-Z\u00c4\u00d6\u00dc]{1,3}-[A-Z]{1,2}[- ]?\\d{1,4}[EH]?',
    PLATE,
    undefined,
    ['Kennzeichen B-AB 1234'],
    { ...PERSONAL, confidence: 0.5 },
  ),
  number(
    'uk-postcode',
    'UK postcode',
    [2, 3],
    '(?:[A-Z]{1,2}\\d[A-Z\\d]?|GIR) ?\\d[ABD-HJLNP-UW-Z]{2}',
    [...POSTAL, 'london'],
    undefined,
    ['Send to postcode EC2A 1NT please'],
    { ...PERSONAL, confidence: 0.5, good: ['postcode EC2A 1CT'] },
  ),
  number(
    'de-postcode',
    'German postcode',
    [5, 5],
    '(?!00)\\d{5}',
    ['plz', 'postleitzahl'],
    undefined,
    ['PLZ 10115'],
    { ...PERSONAL, confidence: 0.5 },
  ),
];

const identifier = (
  detector: TokenDetector,
  changes: Pick<TokenDetector, 'keywords' | 'pattern'> & Partial<TokenDetector>,
): TokenDetector => ({ ...detector, severity: 'low', confidence: 0.6, entropy: 0, ...changes });

const MONTH =
  '(?:[Jj][Aa][Nn]|[Ff][Ee][Bb]|[Mm][Aa][RrYy]|[Aa][Pp][Rr]|[Jj][Uu][NnLl]|[Aa][Uu][Gg]|[Ss][Ee][Pp]|[Oo][Cc][Tt]|[Nn][Oo][Vv]|[Dd][Ee][Cc])';

/**
 * What may identify somebody and stands in every log and document: addresses of machines, links, dates. Not among the
 * detectors that run without configuration; whoever needs them adds them (`[...DETECTORS, ...IDENTIFIERS]`).
 */
export const IDENTIFIERS: readonly (TokenDetector | NumberDetector)[] = [
  identifier(credential('ipv4-address', 'IPv4 address', ['198.51.100.{digit:1}']), {
    category: 'contact',
    keywords: ['.'],
    lead: { characters: /\d/, most: 3 },
    pattern: '\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}',
    validate: isIpv4,
    examples: { bad: ['connect to 10.0.0.1:8080', '192.168.1.0/24'], good: ['version 1.2.3', '300.1.2.3'] },
  }),
  identifier(credential('ipv6-address', 'IPv6 address', ['2001:db8::{digit:1}']), {
    category: 'contact',
    keywords: [':'],
    lead: { characters: /[0-9A-Fa-f:.]/, most: 45 },
    pattern: '([0-9A-Fa-f:.]{1,44}[0-9A-Fa-f:])(?:%\\w{1,16})?',
    validate: isIpv6,
    examples: { bad: ['my ip: ::1', 'http://[2001:db8::1]/'], good: ['std::vector', 'at 12:30:45', 'a:b'] },
  }),
  identifier(credential('mac-address', 'MAC address', ['00:1A:2B:3C:4D:{digit:2}']), {
    category: 'contact',
    keywords: [':', '-', '.'],
    lead: { characters: /[0-9A-Fa-f]/, most: 4 },
    pattern:
      '(?<![:.-])(?:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}\\.[0-9A-Fa-f]{4}\\.[0-9A-Fa-f]{4})(?![A-Za-z0-9:])',
    validate: (address) => !/^(?:[0:.-]+|[Ff:.-]+)$/.test(address),
    examples: {
      bad: ['MAC: 00-1A-2B-3C-4D-5E', 'is 0012.3456.789a'],
      good: ['ff:ff:ff:ff:ff:ff', '00:1A:2B'],
    },
  }),
  identifier(credential('url', 'Link', ['https://host{digit:2}.dev/path']), {
    category: 'contact',
    keywords: ['http://', 'https://', '.com', '.org', '.net', '.co.'],
    lead: { characters: /[A-Za-z0-9.-]/, most: 64 },
    pattern:
      '(?:https?://[^\\s"\'<>`]{3,2000}|(?:[A-Za-z0-9-]{1,63}\\.){1,4}(?:com|org|net|co\\.[a-z]{2})(?![A-Za-z0-9.-]))',
    examples: { bad: ['see microsoft.com now'], good: ['http:'] },
  }),
  number(
    'date',
    'Date',
    [2, 23],
    [
      '(?:19|20)\\d{2}-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12]\\d|3[01])(?:T\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d{2}:?\\d{2})?)?',
      '\\d{1,2}([-/.])\\d{1,2}\\1(?:(?:19|20)\\d{2}|\\d{2})',
      '\\d{1,2}/(?:(?:19|20)\\d{2}|\\d{2})',
      `\\d{1,2}-${MONTH}(?:-(?:\\d{4}|\\d{2}))?`,
      `${MONTH}-(?:\\d{4}|\\d{2})`,
    ].join('|'),
    [],
    isCalendarLike,
    ['Today is 5-20-2021', 'on 2021-05-21', 'since May-2021'],
    { ...PERSONAL, where: 'anywhere', confidence: 0.5, good: ['part 77-99-2021'] },
  ),
];

/** Whether some reading of the numbers is a day: `21.5.21`, `5/20/2021`. */
function isCalendarLike(text: string): boolean {
  if (/[A-Za-z]{3}|^\d{4}/.test(text)) return true;
  const [first = 0, second = 0, third] = text.split(/[-/.]/).map(Number);
  if (third === undefined) return (first >= 1 && first <= 12) || (second >= 1 && second <= 12);
  return first >= 1 && second >= 1 && first <= 31 && second <= 31 && (first <= 12 || second <= 12);
}
