import { POLICY_LAYERS } from '@raypher/policy';
import { z } from 'zod';
import { FILE_OPERATIONS, type GuardPolicy } from './guard-policy.ts';

const verdict = z.enum(['allow', 'deny']);
const operation = z.enum(FILE_OPERATIONS);
const mode = z.enum(['enforce', 'monitor']);

const policy = z.object({
  digest: z.string(),
  revision: z.number(),
  lists: z.array(
    z.object({
      layer: z.enum(POLICY_LAYERS),
      section: z.string(),
      mode,
      rules: z.array(
        z.object({
          id: z.string(),
          verdict,
          operations: z.array(operation),
          paths: z.array(z.string()).optional(),
          programs: z.array(z.string()).optional(),
          reason: z.string(),
        }),
      ),
      defaults: z.partialRecord(operation, verdict),
    }),
  ),
  network: mode,
});

const schema = z.object({
  policy: policy.nullable(),
  filesAreHeld: z.boolean(),
  ownPaths: z.array(z.string()),
  readablePaths: z.array(z.string()),
});

/** What the service tells `raypher run` about the command that it is about to start. */
export interface GuardAnswer {
  /** Null where none is in force. */
  readonly policy: GuardPolicy | null;
  /** A part of the kernel holds the files and programs of control groups already (BPF LSM). */
  readonly filesAreHeld: boolean;
  /** The agent's own files, which AI agents keep their hands off. */
  readonly ownPaths: readonly string[];
  /** What of them AI agents may read all the same: whom to trust. */
  readonly readablePaths: readonly string[];
}

export function parseGuardAnswer(value: unknown): GuardAnswer {
  const { policy, ...facts } = schema.parse(value);
  if (policy === null) return { policy, ...facts };
  const lists = policy.lists.map((list) => ({
    ...list,
    defaults: Object.fromEntries(Object.entries(list.defaults).filter(([, value]) => value !== undefined)),
    // JSON has no undefined: what is missing there is one here.
    rules: list.rules.map((rule) => ({ ...rule, paths: rule.paths, programs: rule.programs })),
  }));
  return { policy: { ...policy, lists }, ...facts };
}
