import type { Scenario } from '../scenario.ts';
import { everythingAtOnce, ingestorKilled, networkCut, redisFrozen, redisGone } from './control-plane.ts';
import { databaseKilled, databaseVanishes, diskFull, slowDatabase } from './database.ts';
import { badBatches, clockSkew, flap, oldProtocol, reconnectRace, storm } from './devices.ts';

/** In the order in which they are run. */
export const SCENARIOS: readonly Scenario[] = [
  flap,
  storm,
  reconnectRace,
  ingestorKilled,
  networkCut,
  redisFrozen,
  redisGone,
  slowDatabase,
  databaseKilled,
  databaseVanishes,
  diskFull,
  clockSkew,
  oldProtocol,
  badBatches,
  everythingAtOnce,
];
