import { z } from 'zod';

/** A process that was moved, and where from. */
export const AdoptedMember = z.strictObject({
  pid: z.number().int().min(2),
  /** Clock ticks since boot. */
  startTime: z.number().int().min(0),
  name: z.string(),
  /** Control group it was in before. */
  cgroup: z.string(),
});
export type AdoptedMember = z.infer<typeof AdoptedMember>;

/** An AI agent in a control group of its own, as it is stored. */
export const AdoptedAgent = z.strictObject({
  /** Folder of the control group below the product's own: "adopted-…". */
  group: z.string(),
  /** Pids mean nothing after the next boot. */
  bootId: z.string(),
  /** Id of the AI agent. */
  agent: z.string(),
  /** For people. */
  label: z.string(),
  /** Where processes go that were started since. */
  home: z.string(),
  /** Limits of the control group it came from, which hold in its own as well: file to value. */
  limits: z.record(z.string(), z.string()),
  /** Milliseconds since the epoch. */
  sinceMs: z.number().int(),
  members: z.array(AdoptedMember),
});
export type AdoptedAgent = z.infer<typeof AdoptedAgent>;

/** Where it is kept what was moved from where, so that a restarted agent can return it. */
export interface AdoptionStore {
  load(): AdoptedAgent[];
  /** Inserts or replaces by group. */
  save(adopted: AdoptedAgent): void;
  remove(group: string): void;
}
