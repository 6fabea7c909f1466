import { randomUUID } from 'node:crypto';
import { type Heartbeat, type Hello, type Inventory, type Posture, PostureState } from '@raypher/shared';
import { SIMULATED_MACHINE, SIMULATED_VERSION } from '../fleet/device-identity.ts';
import type { SeededRandom } from '../random.ts';
import { describeAiAgent, isFrozen, type SimulatedAiAgent } from './ai-agents.ts';
import { describeApplied } from './applied-state.ts';
import type { ProtocolAge } from './device-behaviour.ts';
import type { DeviceLedger } from './device-ledger.ts';
import type { SimulatedEnforcers } from './simulated-enforcers.ts';

const PROTOCOL_VERSION: Record<ProtocolAge, number> = {
  current: 1,
  'fewer-fields': 1,
  'version-0': 0,
  'version-2': 2,
};
/** Processes on the machine that are nobody's AI agent. */
const OTHER_PROCESSES = 180;

/** What a simulated machine reports about itself. */
export class VitalSigns {
  readonly #bootId = randomUUID();
  readonly #sessionId = randomUUID();

  hello(
    device: string,
    hostname: string,
    ledger: DeviceLedger,
    enforcers: SimulatedEnforcers,
    protocol: ProtocolAge,
  ): Hello {
    const isOlder = protocol === 'fewer-fields';
    return {
      ...SIMULATED_MACHINE,
      deviceId: device,
      bootId: this.#bootId,
      sessionId: isOlder ? '' : this.#sessionId,
      agentVersion: SIMULATED_VERSION,
      protocolVersion: PROTOCOL_VERSION[protocol],
      hostname,
      capabilities: isOlder ? [] : ['network.proxy', 'freeze.cgroup'],
      posture: isOlder ? [] : POSTURE,
      applied: describeApplied(enforcers.applied),
      ledgerHead: { seq: BigInt(ledger.head.seq), hash: Buffer.from(ledger.head.hash, 'hex') },
      queueDepth: BigInt(ledger.queueDepth),
      vaultKey: undefined,
    };
  }
}

export function heartbeat(
  agents: readonly SimulatedAiAgent[],
  ledger: DeviceLedger,
  enforcers: SimulatedEnforcers,
  random: SeededRandom,
): Heartbeat {
  const frozen = frozenOf(agents, enforcers);
  return {
    atMs: BigInt(Date.now()),
    queueDepth: BigInt(ledger.queueDepth),
    applied: describeApplied(enforcers.applied),
    posture: POSTURE,
    processes: OTHER_PROCESSES + countProcesses(agents),
    aiAgents: agents.length,
    frozenProcesses: countProcesses(frozen),
    // Its calls are made up whole, so none is ever open: the Watchtower would have nothing to show for a number.
    connections: 0,
    rssBytes: BigInt(random.integer(74_000_000, 88_000_000)),
    cpuShare: random.next() * 0.02,
    logSeen: undefined,
  };
}

export function inventory(agents: readonly SimulatedAiAgent[], enforcers: SimulatedEnforcers): Inventory {
  const nowMs = Date.now();
  return {
    atMs: BigInt(nowMs),
    processes: OTHER_PROCESSES + countProcesses(agents),
    agents: agents.map((agent) => describeAiAgent(agent, isFrozen(agent, enforcers.freezes), nowMs)),
  };
}

export function frozenOf(
  agents: readonly SimulatedAiAgent[],
  enforcers: SimulatedEnforcers,
): SimulatedAiAgent[] {
  return agents.filter((agent) => isFrozen(agent, enforcers.freezes));
}

export function countProcesses(agents: readonly SimulatedAiAgent[]): number {
  return agents.reduce((total, agent) => total + agent.pids.length, 0);
}

/** The same list for every device: nothing in it differs, and nobody changes it. */
const POSTURE: Posture[] = [
  capability('network.proxy', PostureState.POSTURE_STATE_OBSERVING),
  capability('freeze.cgroup', PostureState.POSTURE_STATE_OBSERVING),
  capability('kernel.network', PostureState.POSTURE_STATE_UNAVAILABLE),
];

function capability(name: string, state: PostureState): Posture {
  return { capability: name, state, reason: 'This device is simulated.', provenAtMs: 0n };
}
