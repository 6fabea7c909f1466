import { readFileSync } from 'node:fs';
import { z } from 'zod';

const Enumeration = z.union([
  z.array(z.union([z.number(), z.string()])),
  z.strictObject({ from: z.number(), to: z.number(), and: z.array(z.number()) }),
]);

const Definition = z.strictObject({
  extends: z.string().optional(),
  uid: z.number().optional(),
  category: z.number().optional(),
  caption: z.string().optional(),
  required: z.array(z.string()).default([]),
  recommended: z.array(z.string()).default([]),
  optional: z.array(z.string()).default([]),
  enums: z.record(z.string(), Enumeration).default({}),
  atLeastOne: z.array(z.string()).optional(),
  profiles: z.array(z.string()).default([]),
  activities: z.record(z.string(), z.string()).optional(),
});
type Definition = z.infer<typeof Definition>;

const Extract = z.strictObject({
  version: z.string(),
  dictionary: z.record(z.string(), z.string()),
  objects: z.record(z.string(), Definition),
  profiles: z.record(z.string(), Definition),
  classes: z.record(z.string(), Definition),
});

/** An object or class with everything that it inherits. */
export interface Compiled {
  name: string;
  uid: number;
  category: number;
  caption: string;
  requirements: Map<string, 'required' | 'recommended' | 'optional'>;
  enums: Map<string, (value: unknown) => boolean>;
  /** Its own constraint, or the one that it inherits. */
  atLeastOne: readonly string[] | undefined;
  profiles: Set<string>;
  activities: Readonly<Record<string, string>>;
}

/** The schema as the events are checked against it. */
export interface OcsfSchema {
  version: string;
  /** Type of an attribute; `[]` after it for a list. */
  dictionary: Readonly<Record<string, string>>;
  object(name: string): Compiled | undefined;
  profile(name: string): Compiled | undefined;
  classOfUid(uid: unknown): Compiled | undefined;
}

/** Reads and compiles packages/ocsf/schema. */
export function readSchema(): OcsfSchema {
  const file = new URL('../../schema/ocsf-1.8.0-extract.json', import.meta.url);
  const { version, dictionary, objects, profiles, classes } = Extract.parse(
    JSON.parse(readFileSync(file, 'utf8')),
  );
  const byUid = new Map(
    Object.keys(classes).map((name) => [classes[name]?.uid, compile(name, classes)] as const),
  );
  const compiledObjects = new Map(Object.keys(objects).map((name) => [name, compile(name, objects)]));
  const compiledProfiles = new Map(Object.keys(profiles).map((name) => [name, compile(name, profiles)]));
  return {
    version,
    dictionary,
    object: (name) => compiledObjects.get(name),
    profile: (name) => compiledProfiles.get(name),
    // Classes without a number are there to be extended.
    classOfUid: (uid) => (typeof uid === 'number' && uid > 0 ? byUid.get(uid) : undefined),
  };
}

/** Resolves `extends`: what is nearer wins. */
function compile(name: string, all: Record<string, Definition>): Compiled {
  const definition = all[name];
  if (definition === undefined) throw new Error(`the schema extends ${name}, which is not in it`);
  const parent = definition.extends === undefined ? undefined : compile(definition.extends, all);
  const requirements = new Map(parent?.requirements);
  for (const requirement of ['optional', 'recommended', 'required'] as const) {
    for (const attribute of definition[requirement]) requirements.set(attribute, requirement);
  }
  const enums = new Map(parent?.enums);
  for (const [attribute, values] of Object.entries(definition.enums)) {
    enums.set(attribute, (value) => holds(values, value));
  }
  return {
    name,
    uid: definition.uid ?? 0,
    category: definition.category ?? 0,
    caption: definition.caption ?? name,
    requirements,
    enums,
    atLeastOne: definition.atLeastOne ?? parent?.atLeastOne,
    profiles: new Set([...(parent?.profiles ?? []), ...definition.profiles]),
    activities: { ...parent?.activities, ...definition.activities },
  };
}

function holds(values: z.infer<typeof Enumeration>, value: unknown): boolean {
  if (Array.isArray(values)) return values.some((one) => one === value);
  if (typeof value !== 'number') return false;
  return (
    (Number.isInteger(value) && value >= values.from && value <= values.to) || values.and.includes(value)
  );
}
