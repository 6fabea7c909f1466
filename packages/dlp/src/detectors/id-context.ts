/** Words and ratings that several tables of national numbers share. */
export const PASSPORT = [
  'passport',
  'pasaporte',
  'reisepass',
  'passaporto',
  'travel document',
  'pass-nr',
  'passeport',
];
export const LICENCE = ['driver', 'driving', 'licence', 'license', 'fuehrerschein', 'patente', 'dl number'];
export const HEALTH = { category: 'health', severity: 'high' } as const;
export const OFFICE = { severity: 'medium' } as const;
