/** Words and ratings that several tables of national numbers share. */
export const PASSPORT = [
  'passport',
  'pasaporte',
  'reisepass',
  'passaporto',
  'travel document',
  'pass-nr',
  'passeport',
  '\uc5ec\uad8c',
  '\u62a4\u7167',
  '\u30d1\u30b9\u30dd\u30fc\u30c8',
];
export const LICENCE = ['driver', 'driving', 'licence', 'license', 'fuehrerschein', 'patente', 'dl number'];
/** For numbers without any form: software has drivers and licences, too. */
export const LICENCE_OF_DRIVER = [
  "driver's",
  'drivers lic',
  'driver lic',
  'driver_lic',
  'driving',
  'licence no',
  'license no',
  'dl number',
];
export const HEALTH = { category: 'health', severity: 'high' } as const;
export const OFFICE = { severity: 'medium' } as const;
