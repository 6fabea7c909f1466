import {
  type CounterName,
  compilePolicy,
  isSharedByDevices,
  type LayeredDocument,
  type PolicyLayer,
  parsePolicy,
  readCounter,
} from '@raypher/policy';
import { PolicyPayload } from '@raypher/shared';
import type { ReadyBundle } from '../desired-state/bundle-cache.service.ts';

/** A limit that many devices spend of, as the policy has it. */
export interface SharedLimit extends Pick<CounterName, 'per' | 'scope'> {
  readonly layer: PolicyLayer;
  readonly id: string;
  /** Micro-dollars. */
  readonly amount: number;
  readonly warnAt: number | undefined;
  /** IANA name. */
  readonly zone: string;
}

/** Bundles are few and never change. */
const known = new WeakMap<ReadyBundle, ReadonlyMap<string, SharedLimit>>();

/** What the policy that a device should have says about a counter, not what the device says; undefined: nothing. */
export function sharedLimitOf(bundle: ReadyBundle, name: CounterName): SharedLimit | undefined {
  let limits = known.get(bundle);
  if (limits === undefined) {
    limits = sharedLimitsIn(bundle.slot.bundle?.payload ?? new Uint8Array());
    known.set(bundle, limits);
  }
  const limit = limits.get(keyOf(name.layer, name.limit));
  return limit?.per === name.per && limit.scope === name.scope ? limit : undefined;
}

/** @returns undefined for a counter that no devices share, or that is none */
export function readSharedCounter(counter: string): CounterName | undefined {
  const name = readCounter(counter);
  return name !== undefined && isSharedByDevices(name) ? name : undefined;
}

function sharedLimitsIn(payload: Uint8Array): Map<string, SharedLimit> {
  const read = PolicyPayload.safeParse(parseJson(payload));
  const documents = (read.data?.documents ?? []).flatMap(({ layer, source }): LayeredDocument[] => {
    const parsed = parsePolicy(source, { layer });
    return parsed.ok ? [parsed] : [];
  });
  const { layers } = compilePolicy({ revision: read.data?.revision ?? 0, layers: documents });
  const limits = layers.flatMap(({ layer, financial }) =>
    (financial?.limits ?? []).map(
      ({ id, amount, warnAt, zone, limit }): SharedLimit => ({ layer, id, amount, warnAt, zone, ...limit }),
    ),
  );
  return new Map(limits.filter(isSharedByDevices).map((limit) => [keyOf(limit.layer, limit.id), limit]));
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return undefined;
  }
}

function keyOf(layer: string, id: string): string {
  return JSON.stringify([layer, id]);
}
