import type { NumberDetector } from '../detect/detector.ts';
import * as is from '../validate/national-ids-of-latin-america.ts';
import { OFFICE } from './id-context.ts';
import { number } from './numbers.ts';

/** Numbers that states of Latin America give to people and companies; those of Brazil stand with the first ones. */
export const LATIN_AMERICAN_IDS: readonly NumberDetector[] = [
  number(
    'mx-curp',
    'Mexican CURP',
    [7, 9],
    '[A-Z][AEIOUX][A-Z]{2}\\d{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[A-Z0-9]\\d',
    ['curp'],
    is.isMexicanCurp,
    ['HEGG560427MVZRRL04'],
    { where: 'anywhere', letters: 10, confidence: 0.9, good: ['HEGG560427MVZRRL05'] },
  ),
  number(
    'mx-rfc',
    'Mexican tax number',
    [6, 9],
    '[A-Z\\u00d1&]{4}\\d{6}[A-Z0-9]{3}',
    ['rfc'],
    is.isMexicanRfc,
    ['mi RFC es GODE561231GR8'],
    { ...OFFICE, alone: false, good: ['RFC GODE569931GR8'] },
  ),
  number(
    'cl-rut',
    'Chilean RUT',
    [7, 9],
    '\\d{1,2}\\.\\d{3}\\.\\d{3}-[\\dKk]|\\d{7,8}-[\\dKk]',
    ['rut', 'chile'],
    is.isChileanRut,
    ['RUT 12.345.678-5'],
    { good: ['RUT 12.345.678-6'] },
  ),
  number(
    'ar-cuit',
    'Argentine CUIT or CUIL',
    [11, 11],
    '(?:2[03-7]|3[034])-?\\d{8}-?\\d',
    ['cuit', 'cuil'],
    is.isArgentineCuit,
    ['CUIT 20-12345678-6'],
    { alone: false, good: ['CUIT 20-12345678-7'] },
  ),
  number(
    'latin-american-identity-card',
    'Identity card of a Latin American country',
    [7, 10],
    '\\d{1,3}(?:\\.\\d{3}){2,3}|\\d{7,10}',
    ['dni', 'dula', 'cedula'],
    undefined,
    ['DNI 27.664.711', 'cedula 1096422440'],
    { confidence: 0.6 },
  ),
];
