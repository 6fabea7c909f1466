import { randomBytes } from 'node:crypto';
import { PackagedPrices } from '@raypher/cost';
import {
  asksAbout,
  compilePolicy,
  decide,
  isClockless,
  limitsFor,
  mayConnect,
  type PolicySnapshot,
  parsePolicy,
  routeModel,
} from '@raypher/policy';
import { LiveConnections } from '../connections/live-connections.ts';
import { DataGuard } from '../proxy/data-guard.ts';
import type { LocalProxyParts } from '../proxy/local-proxy.ts';
import type { PolicyInForce } from '../proxy/proxy-context.ts';

/** @param sections YAML of the document without its first lines */
export function snapshotOf(
  sections: string,
  mode: 'enforce' | 'monitor' = 'enforce',
  revision = 7,
): PolicySnapshot {
  const parsed = parsePolicy(`apiVersion: raypher/v1\nmode: ${mode}\n${sections}\n`, { layer: 'global' });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return compilePolicy({ revision, layers: [parsed] });
}

/** @param snapshot asked for at each decision, so that a test can change it */
export function inForce(snapshot: () => PolicySnapshot): PolicyInForce {
  return {
    decide: (request) => decide(snapshot(), request),
    mayConnect: (request) => mayConnect(snapshot(), request),
    limitsFor: (request) => limitsFor(snapshot(), request),
    inspects: (direction) => snapshot().plans[`data.${direction}`].length > 0,
    asksAbout: (direction, finding) => asksAbout(snapshot(), direction, finding),
    get isReversible() {
      return snapshot().dlp.reversible;
    },
    get steady() {
      return isClockless(snapshot()) ? snapshot() : undefined;
    },
    routeModel: (request, balance) => routeModel(snapshot(), request, balance),
  };
}

/** Parts of a proxy that need nothing around them. */
export function engines(): Pick<LocalProxyParts, 'data' | 'prices' | 'connections'> {
  return {
    data: new DataGuard(randomBytes(32)),
    prices: new PackagedPrices(),
    connections: new LiveConnections(),
  };
}
