import { connectGate, GateCallError, type GateClient } from '@raypher/gate/client';
import { CANARY_HOST } from '../proxy/canary-host.ts';

const TIMEOUT_MS = 3000;

/**
 * Asks the running gate for something forbidden and reads the denial back; then for a permit, on the socket that
 * issues none.
 *
 * @returns undefined when both were refused, else what happened instead
 */
export async function probeGate(socket: string): Promise<string | undefined> {
  try {
    using gate = await connectGate(socket, { timeout: TIMEOUT_MS });
    const { verdict, car } = await gate.check({ v: 1, action: 'network.connect', target: CANARY_HOST });
    if (verdict !== 'DENY') return `the gate answered ${verdict} to a forbidden action`;
    return await mints(gate, car);
  } catch (error) {
    return `the gate does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function mints(gate: GateClient, car: string): Promise<string | undefined> {
  try {
    await gate.createPermit({ car, subject: `user/${process.getuid?.() ?? 0}`, verdict: 'ALLOW' });
    return 'the ordinary socket of the gate issues permits';
  } catch (error) {
    if (error instanceof GateCallError && error.fault === 'gate/forbidden') return undefined;
    throw error;
  }
}
