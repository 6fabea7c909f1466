import { z } from 'zod';

/** Devices that get a revision before everybody does. */
export const StageSelector = z.discriminatedUnion('kind', [
  /** By a hash of the device's id: a larger share contains every smaller one. */
  z.strictObject({ kind: z.literal('percentage'), percentage: z.number().int().min(1).max(99) }),
  z.strictObject({ kind: z.literal('teams'), teams: z.array(z.uuid()).min(1).max(100) }),
  z.strictObject({ kind: z.literal('devices'), devices: z.array(z.uuid()).min(1).max(1_000) }),
]);
export type StageSelector = z.infer<typeof StageSelector>;

export const PolicyStage = z.strictObject({
  selector: StageSelector,
  /** It is withdrawn by itself once this share of its devices has refused it, in percent. */
  haltAtPercent: z.number().int().min(1).max(100).default(10),
});
export type PolicyStage = z.infer<typeof PolicyStage>;

/** Where a program took a policy from. */
export const PolicySource = z.strictObject({
  /** As people know it, such as `github.com/northwind/policies`. */
  repository: z.string().min(1).max(300),
  commit: z.string().regex(/^[0-9a-f]{7,64}$/, 'must be the hex digits of a commit'),
});
export type PolicySource = z.infer<typeof PolicySource>;
