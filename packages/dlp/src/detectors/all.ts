import type { Detector } from '../detect/detector.ts';
import { AI_PROVIDERS } from './ai-providers.ts';
import { ASIAN_AND_AFRICAN_IDS } from './asian-and-african-ids.ts';
import { CLOUD } from './cloud.ts';
import { CONSUMER_SERVICES } from './consumer-services.ts';
import { DEVELOPMENT } from './development.ts';
import { EUROPEAN_IDS } from './european-ids.ts';
import { GENERAL_SECRETS } from './general-secrets.ts';
import { VEHICLES_AND_POSTCODES } from './identifiers.ts';
import { NATIONAL_IDS } from './national-ids.ts';
import { CONTACT_TOKENS, PAYMENT_NUMBERS, PHONES, WALLETS } from './payment-and-contact.ts';
import { SERVICES } from './services.ts';

/** Everything that is found without configuration; the more specific stands before the more general. */
export const DETECTORS: readonly Detector[] = [
  ...AI_PROVIDERS,
  ...CLOUD,
  ...DEVELOPMENT,
  ...SERVICES,
  ...CONSUMER_SERVICES,
  ...GENERAL_SECRETS,
  ...WALLETS,
  ...CONTACT_TOKENS,
  ...PAYMENT_NUMBERS,
  ...EUROPEAN_IDS,
  ...NATIONAL_IDS,
  ...ASIAN_AND_AFRICAN_IDS,
  ...VEHICLES_AND_POSTCODES,
  ...PHONES,
];
