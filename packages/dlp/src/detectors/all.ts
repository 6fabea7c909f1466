import type { Detector } from '../detect/detector.ts';
import { AI_PROVIDERS } from './ai-providers.ts';
import { ASIAN_AND_AFRICAN_IDS } from './asian-and-african-ids.ts';
import { CLOUD } from './cloud.ts';
import { CONSUMER_SERVICES } from './consumer-services.ts';
import { DEVELOPMENT } from './development.ts';
import { EUROPEAN_IDS } from './european-ids.ts';
import { GENERAL_SECRETS } from './general-secrets.ts';
import { VEHICLES_AND_POSTCODES } from './identifiers.ts';
import { IDS_OF_THE_WIDER_EUROPE } from './ids-of-the-wider-europe.ts';
import { LATIN_AMERICAN_IDS } from './latin-american-ids.ts';
import { LOGINS } from './logins.ts';
import { NATIONAL_IDS } from './national-ids.ts';
import { BIRTHDAYS, CONTACT_TOKENS, PAYMENT_NUMBERS, PHONES, WALLETS } from './payment-and-contact.ts';
import { SERVICES } from './services.ts';
import { WEBHOOKS } from './webhooks.ts';

/** Everything that is found without configuration; the more specific stands before the more general. */
export const DETECTORS: readonly Detector[] = [
  ...AI_PROVIDERS,
  ...CLOUD,
  ...DEVELOPMENT,
  ...SERVICES,
  ...CONSUMER_SERVICES,
  ...WEBHOOKS,
  ...GENERAL_SECRETS,
  ...LOGINS,
  ...WALLETS,
  ...CONTACT_TOKENS,
  ...BIRTHDAYS,
  ...PAYMENT_NUMBERS,
  ...EUROPEAN_IDS,
  ...NATIONAL_IDS,
  ...ASIAN_AND_AFRICAN_IDS,
  ...IDS_OF_THE_WIDER_EUROPE,
  ...LATIN_AMERICAN_IDS,
  ...VEHICLES_AND_POSTCODES,
  ...PHONES,
];
