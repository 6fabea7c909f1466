import { z } from 'zod';

/** A suspended process and what is needed to give it back as it was. */
export const FrozenMember = z.strictObject({
  pid: z.number().int().min(2),
  /** Clock ticks since boot. */
  startTime: z.number().int().min(0),
  name: z.string(),
  /** Control group it was in before; it returns there. */
  cgroup: z.string(),
  method: z.enum(['cgroup', 'signal']),
  /** Somebody else had stopped it already: it is not continued by a thaw. */
  wasStopped: z.boolean(),
});
export type FrozenMember = z.infer<typeof FrozenMember>;

/** What one freeze holds of one AI agent, as it is stored. */
export const FrozenTree = z.strictObject({
  id: z.uuid(),
  /** Pids mean nothing after the next boot. */
  bootId: z.string(),
  /** "agent:<AI agent id>" or "hash:<SHA-256>" */
  target: z.string(),
  /** For people. */
  label: z.string(),
  /** Ids of the freezes that ask for it. */
  freezes: z.array(z.string()),
  evidence: z.array(z.string()),
  /** Milliseconds since the epoch. */
  sinceMs: z.number().int(),
  members: z.array(FrozenMember),
});
export type FrozenTree = z.infer<typeof FrozenTree>;

/** Where frozen trees survive a restart of the agent. Each call returns only when the change is durable. */
export interface FreezeStore {
  load(): FrozenTree[];
  /** Inserts or replaces by id. */
  save(tree: FrozenTree): void;
  remove(id: string): void;
}
