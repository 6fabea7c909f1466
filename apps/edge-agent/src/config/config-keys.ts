import { z } from 'zod';
import { ConfigFile } from './config.ts';

/** One key of the configuration file, with what the schema says about it. */
export interface ConfigKey {
  /** `['proxy', 'port']` */
  path: readonly string[];
  description: string;
  /** The default, or where there is none, an example. */
  example: unknown;
}

/** Every key of the configuration file, in the order of the schema. */
export function configKeys(schema: z.ZodObject = ConfigFile, above: readonly string[] = []): ConfigKey[] {
  return Object.entries(schema.shape).flatMap(([name, optional]) => {
    const path = [...above, name];
    const inner = optional instanceof z.ZodOptional ? optional.unwrap() : optional;
    if (inner instanceof z.ZodObject) return configKeys(inner, path);
    const { description = '', example } = z.globalRegistry.get(inner) ?? {};
    return [{ path, description, example }];
  });
}
