import { isIP } from 'node:net';
import { HOSTNAME } from '../device.ts';
import type { Compiled, OcsfSchema } from './ocsf-schema.ts';

type Json = Record<string, unknown>;

/**
 * Everything that is wrong with an event by the schema: unknown attributes, missing required ones, wrong types and
 * enumerated values, constraints, profiles that the class has not.
 *
 * @returns one sentence each, with the path; empty for a valid event
 */
export function faultsOf(event: Json, schema: OcsfSchema): string[] {
  const definition = schema.classOfUid(event.class_uid);
  if (definition === undefined) return [`class_uid: no class ${String(event.class_uid)}`];
  const { metadata } = event;
  const named = isObject(metadata) && Array.isArray(metadata.profiles) ? metadata.profiles : [];
  const faults: string[] = [];
  const profiles: Compiled[] = [];
  for (const name of named) {
    const profile = schema.profile(String(name));
    if (profile === undefined || !definition.profiles.has(profile.name)) {
      faults.push(`metadata.profiles: ${definition.name} has no profile ${String(name)}`);
    } else profiles.push(profile);
  }
  return [
    ...faults,
    ...identityFaults(event, definition, schema),
    ...objectFaults(event, [definition, ...profiles], schema, ''),
  ];
}

function identityFaults(event: Json, definition: Compiled, schema: OcsfSchema): string[] {
  const { activity_id: activity, category_uid: category, type_uid: type, metadata } = event;
  const faults: string[] = [];
  const isKnown = activity === 0 || activity === 99 || Object.hasOwn(definition.activities, String(activity));
  if (!isKnown) faults.push(`activity_id: ${definition.name} has no activity ${String(activity)}`);
  if (activity === 99 && typeof event.activity_name !== 'string') {
    faults.push('activity_name: has to say what 99 is');
  }
  if (category !== definition.category)
    faults.push(`category_uid: ${String(category)}, not ${definition.category}`);
  if (type !== definition.uid * 100 + Number(activity))
    faults.push(`type_uid: ${String(type)} does not add up`);
  if (!isObject(metadata) || metadata.version !== schema.version)
    faults.push('metadata.version: another one');
  return faults;
}

function objectFaults(value: Json, definitions: Compiled[], schema: OcsfSchema, path: string): string[] {
  const faults: string[] = [];
  for (const [name, part] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    if (!definitions.some(({ requirements }) => requirements.has(name))) {
      faults.push(`${at}: unknown attribute`);
      continue;
    }
    for (const { enums } of definitions) {
      if (enums.get(name)?.(part) === false) faults.push(`${at}: not one of its values`);
    }
    faults.push(...attributeFaults(part, schema.dictionary[name] ?? '', schema, at));
  }
  for (const { requirements, atLeastOne } of definitions) {
    for (const [attribute, requirement] of requirements) {
      if (requirement === 'required' && !Object.hasOwn(value, attribute)) {
        faults.push(`${path === '' ? attribute : `${path}.${attribute}`}: required`);
      }
    }
    if (atLeastOne?.some((attribute) => Object.hasOwn(value, attribute)) === false) {
      faults.push(`${path}: at least one of ${atLeastOne.join(', ')}`);
    }
  }
  return faults;
}

function attributeFaults(value: unknown, type: string, schema: OcsfSchema, path: string): string[] {
  if (type.endsWith('[]')) {
    if (!Array.isArray(value) || value.length === 0) return [`${path}: not a list with something in it`];
    return value.flatMap((part, index) =>
      attributeFaults(part, type.slice(0, -2), schema, `${path}[${index}]`),
    );
  }
  if (type === 'object') return isObject(value) ? [] : [`${path}: not an object`];
  if (Object.hasOwn(SCALARS, type)) return SCALARS[type]?.(value) ? [] : [`${path}: not a ${type}`];
  const definition = schema.object(type);
  if (definition === undefined) return [`${path}: of the unknown type '${type}'`];
  return isObject(value) ? objectFaults(value, [definition], schema, path) : [`${path}: not an object`];
}

const LONGEST_STRING = 65_535;

/** https://schema.ocsf.io/1.8.0/data_types */
const SCALARS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string_t: (value) => typeof value === 'string' && value !== '' && value.length <= LONGEST_STRING,
  integer_t: Number.isSafeInteger,
  long_t: Number.isSafeInteger,
  timestamp_t: Number.isSafeInteger,
  boolean_t: (value) => typeof value === 'boolean',
  json_t: (value) => value !== undefined && value !== null,
  port_t: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535,
  hostname_t: (value) => typeof value === 'string' && HOSTNAME.test(value),
  ip_t: (value) => typeof value === 'string' && isIP(value) !== 0,
};

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
