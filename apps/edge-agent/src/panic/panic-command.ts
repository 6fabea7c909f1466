import { type CommandPayload, RaypherError } from '@raypher/shared';
import { z } from 'zod';
import type { Panic } from './panic.ts';

const PanicArguments = z
  .strictObject({
    target: z.enum(['all', 'agent']),
    agent: z.string().min(4).max(128).optional(),
    hold: z.boolean(),
    memory: z.boolean(),
    by: z.string().max(200),
  })
  .refine(({ target, agent }) => (target === 'agent') === (agent !== undefined));

/** Carries out a signed `panic`. @throws RaypherError `request/invalid`, and what {@link Panic.trigger} throws */
export async function panicOnCommand(
  panic: Panic,
  { arguments: given, reason }: CommandPayload,
): Promise<Record<string, unknown>> {
  const parsed = PanicArguments.safeParse(given);
  if (!parsed.success) throw new RaypherError('request/invalid', 'The panic does not say whom it is for.');
  const { agent, hold, memory, by } = parsed.data;
  const target = agent === undefined ? { kind: 'all' as const } : { kind: 'agent' as const, agent };
  const report = await panic.trigger({ target, hold, memory, by, reason, origin: 'control plane' });
  const { snapshot, survivors } = report;
  return {
    ...report,
    // Where the file lies is this machine's own business.
    snapshot: snapshot === null ? null : { ...snapshot, file: undefined },
    survivors: survivors.length,
  };
}
