import { z } from 'zod';
import { POLICY_LAYERS } from './layer.ts';
import type { ApplicableLimit } from './limit.ts';

/** What the name of a counter says (see {@link ApplicableLimit.counter}). */
export interface CounterName {
  readonly layer: ApplicableLimit['layer'];
  /** Id of the limit. */
  readonly limit: string;
  readonly per: ApplicableLimit['per'];
  readonly scope: ApplicableLimit['scope'];
  /** Whose it is: a team, user, AI agent, provider or model; null for everybody's, and where it is not known who it is. */
  readonly subject: string | null;
}

const Counter = z.tuple([
  z.enum(POLICY_LAYERS),
  z.string().min(1).max(128),
  z.enum(['request', 'hour', 'day', 'month']),
  z.enum(['organisation', 'team', 'user', 'agent', 'provider', 'model']),
  z.string().max(256).nullable(),
]);

const SCOPES_OF_MANY_DEVICES: ReadonlySet<string> = new Set(['organisation', 'team', 'provider', 'model']);

/** @returns undefined for what is no counter's name */
export function readCounter(counter: string): CounterName | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(counter);
  } catch {
    return undefined;
  }
  const parsed = Counter.safeParse(parts);
  if (!parsed.success) return undefined;
  const [layer, limit, per, scope, subject] = parsed.data;
  return { layer, limit, per, scope, subject };
}

/**
 * Whether all devices of the organisation, or of the team, spend of one counter. AI agents and users belong to a
 * device, and so does its own document.
 */
export function isSharedByDevices({
  layer,
  per,
  scope,
}: Pick<ApplicableLimit, 'layer' | 'per' | 'scope'>): boolean {
  return layer !== 'local' && per !== 'request' && SCOPES_OF_MANY_DEVICES.has(scope);
}
