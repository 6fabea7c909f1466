import { closeSync } from 'node:fs';
import { connectGate, type GateClient, GateUnavailableError } from '@raypher/gate/client';
import type { Config } from '../config/config.ts';
import { peerCredentials } from '../native/peer-credentials.ts';
import { gateAccess } from './gate-access.ts';
import { withoutGate } from './gate-mode.ts';

/** A gate to ask, or what to do without one. */
export type OpenedGate = { gate: GateClient } | { without: 'open' | 'closed'; reason: string };

/**
 * Connects an adapter to the gate of this machine. Who answers must be root or this user: a socket that another user
 * put in its place is nobody's gate.
 */
export async function openGate(
  config: Pick<Config, 'dataDir' | 'gateSocket' | 'gateGroup'>,
): Promise<OpenedGate> {
  const { ordinary } = gateAccess(config);
  try {
    return { gate: await connectGate(ordinary, { trust: isOurs }) };
  } catch (error) {
    if (!(error instanceof GateUnavailableError)) throw error;
    return { without: withoutGate(ordinary), reason: error.message };
  }
}

function isOurs(socket: Parameters<typeof peerCredentials>[0]): boolean {
  const peer = peerCredentials(socket);
  if (peer?.handle !== undefined) closeSync(peer.handle);
  return peer?.uid === 0 || (peer !== undefined && peer.uid === process.getuid?.());
}
