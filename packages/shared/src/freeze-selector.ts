import { z } from 'zod';

/**
 * What a freeze applies to. One selector is one kind; a freeze of two libraries is two freezes.
 *
 * - `all`: every AI agent of the organisation.
 * - `team`: every AI agent on the devices of that team.
 * - `library`: AI agents seen to use this package (command line, loaded files, manifest of the entry script).
 * - `hash`: processes whose executable has this SHA-256.
 * - `model`: AI agents seen to use this model (proxy traffic, command line).
 * - `agent`: one AI agent of one device.
 */
export const FreezeSelector = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z.strictObject({ kind: z.literal('team'), team: z.uuid() }),
  z.strictObject({
    kind: z.literal('library'),
    // Package names of npm and PyPI, scopes included.
    name: z
      .string()
      .min(1)
      .max(128)
      .regex(/^@?[A-Za-z0-9][A-Za-z0-9._/-]*$/, 'a package name, for example langchain or @langchain/core'),
  }),
  z.strictObject({
    kind: z.literal('hash'),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex'),
  }),
  z.strictObject({
    kind: z.literal('model'),
    name: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[\w./:@-]+$/, 'a model name, for example gpt-4o or llama3:8b'),
  }),
  z.strictObject({
    kind: z.literal('agent'),
    /** AiAgentId */
    agent: z.string().min(1).max(128),
    /** For people. */
    name: z.string().min(1).max(256),
  }),
]);
export type FreezeSelector = z.infer<typeof FreezeSelector>;

/** For people: "library langchain", "every AI agent". */
export function describeSelector(selector: FreezeSelector): string {
  switch (selector.kind) {
    case 'all':
      return 'every AI agent';
    case 'team':
      return `team ${selector.team}`;
    case 'library':
      return `library ${selector.name}`;
    case 'hash':
      return `executable ${selector.sha256.slice(0, 12)}…`;
    case 'model':
      return `model ${selector.name}`;
    case 'agent':
      return `AI agent ${selector.name}`;
  }
}
