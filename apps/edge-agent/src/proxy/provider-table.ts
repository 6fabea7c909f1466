import { readFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';
import { readPackagedFile } from '../packaged-file.ts';

/** Whose error shape a path answers in. */
export const Dialect = z.enum([
  'openai',
  'anthropic',
  'gemini',
  'ollama',
  'mistral',
  'cohere',
  'bedrock',
  'generic',
]);
export type Dialect = z.infer<typeof Dialect>;

const Path = z.string().regex(/^(\/[A-Za-z0-9_.*{}:-]+)*$/, 'a path such as /v1/models');

/** How a provider wants its key. */
const KeyHeader = z.strictObject({ header: z.string().regex(/^[a-z-]+$/), scheme: z.string() });

const Operation = z.strictObject({
  /** `*` is one part of the path, `**` any number of them, `{model}` the part that names the model. */
  path: Path,
  kind: z.enum([
    'chat',
    'completion',
    'responses',
    'conversations',
    'embeddings',
    'rerank',
    'ocr',
    'images',
    'video',
    'audio',
    'moderation',
    'search',
    'tokens',
    'realtime',
    'batches',
    'fine-tuning',
    'assistants',
    'files',
    'models',
  ]),
  /**
   * Where the model is named. `unknown`: it uses one that the request need not name. `within`: deeper in the body, or in
   * what was uploaded; what stands at the top does not count. `none`: it uses none.
   */
  model: z.enum(['body', 'path', 'query', 'unknown', 'within', 'none']),
  /** How an answer comes when it comes in pieces. */
  stream: z.enum(['sse', 'ndjson', 'json-array', 'aws-eventstream']).optional(),
});
export type Operation = z.infer<typeof Operation>;

/** What several providers have in common: the paths of one API. */
const Surface = z.strictObject({
  dialect: Dialect,
  key: KeyHeader.optional(),
  operations: z.array(Operation).min(1),
});

const Provider = z.strictObject({
  /** As rules name it; `http://127.0.0.1:8888/<id>` stands for its origin. */
  id: z.string().regex(/^[a-z0-9]+$/),
  name: z.string().min(1),
  /** `{tenant}` is the part of the path after the id: a resource, a region, a location. */
  origin: z.string().regex(/^https?:\/\/[a-z0-9.{}:-]+$/),
  /** Tenants whose origin does not follow the pattern. */
  named: z.record(z.string(), z.url()).optional(),
  /** Exact, or with `*` for a label or a part of one. */
  hosts: z.array(z.string().regex(/^[a-z0-9.:*-]+$/)).min(1),
  /** On this machine: the port of the origin counts, too. */
  local: z.literal(true).optional(),
  /** In the order in which to try them. */
  surfaces: z
    .array(
      z.strictObject({
        at: Path,
        speaks: z.string(),
        /** Of the surface's paths, only these. */
        only: z.array(Path).optional(),
        dialect: Dialect.optional(),
        keyless: z.literal(true).optional(),
      }),
    )
    .min(1),
  /** Of paths that are in no surface; that of the first surface unless set. */
  dialect: Dialect.optional(),
  /** Beginnings of paths that are this provider's without its id in front. */
  unprefixed: z.array(Path).optional(),
  /** Variables that its clients take a key from; `<ID>_API_KEY` unless set. */
  environment: z.array(z.string().regex(/^[A-Z_]+$/)).optional(),
});

/** `data/providers.json`. */
export const ProviderTable = z
  .strictObject({
    version: z.literal(1),
    surfaces: z.record(z.string(), Surface),
    providers: z.array(Provider).min(1),
  })
  .superRefine(({ surfaces, providers }, context) => {
    const ids = new Set<string>();
    for (const { id, origin, surfaces: spoken } of providers) {
      if (ids.has(id)) context.addIssue({ code: 'custom', message: `two providers are called ${id}` });
      ids.add(id);
      const isOrigin = URL.canParse(origin.replace('{tenant}', 'tenant'));
      if (!isOrigin) context.addIssue({ code: 'custom', message: `${id}: ${origin} is no origin` });
      for (const { speaks } of spoken) {
        if (Object.hasOwn(surfaces, speaks)) continue;
        context.addIssue({ code: 'custom', message: `${id}: there is no surface ${speaks}` });
      }
    }
    for (const [name, { operations }] of Object.entries(surfaces)) {
      for (const { path, model } of operations) {
        if (path.includes('{model}') === (model === 'path')) continue;
        context.addIssue({ code: 'custom', message: `${name}: ${path} and \`model\` contradict each other` });
      }
    }
  });
export type ProviderTable = z.infer<typeof ProviderTable>;

/**
 * @param file instead of the one that comes with the agent
 * @throws RaypherError `config/invalid` naming the entry that is wrong
 */
export function loadProviderTable(file?: string | URL): ProviderTable {
  const source = file === undefined ? readPackagedFile('data/providers.json') : readFileSync(file, 'utf8');
  const parsed = ProviderTable.safeParse(JSON.parse(source));
  if (parsed.success) return parsed.data;
  const problem = z.prettifyError(parsed.error);
  throw new RaypherError('config/invalid', `The table of providers is not valid: ${problem}`);
}
