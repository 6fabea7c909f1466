import type { Facts } from './facts.ts';
import { type OcsfObject, present } from './ocsf-event.ts';

/** Our kinds of data in OCSF's: 1 personal, 2 governmental, 3 financial, 6 security, 99 other. */
const CATEGORIES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    credential: 6,
    'unknown-secret': 6,
    payment: 3,
    wallet: 3,
    'national-id': 2,
    contact: 1,
    person: 1,
    health: 1,
  }),
);
const OTHER = 99;
/** On its way through the proxy. */
const IN_TRANSIT = { data_lifecycle_state_id: 2, data_lifecycle_state: 'Data in-Transit' };
/** An agent on the device. */
const ENDPOINT = { detection_system_id: 1, detection_system: 'Endpoint' };

/** What was found: kinds and the detectors that know them. Of the data itself the entry has nothing. */
export function dataSecurityOf(facts: Facts): OcsfObject {
  const classes = facts.list('classes') ?? [];
  const numbers = new Set(classes.map((name) => CATEGORIES.get(name) ?? OTHER));
  const [only = OTHER] = numbers;
  return present({
    category_id: numbers.size === 1 ? only : OTHER,
    category: classes.length === 0 ? undefined : classes.join(', '),
    ...IN_TRANSIT,
    ...ENDPOINT,
    detection_pattern: facts.list('detectors')?.join(', '),
  });
}
