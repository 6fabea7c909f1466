import { canonicalBytes, sha256Hex } from '@raypher/ledger';
import type { ActiveFreeze, AiAgent, FreezeSelector } from '@raypher/shared';
import type { SeededRandom } from '../random.ts';
import { AI_AGENT_KINDS, type AiAgentKind, PEOPLE } from './ai-agent-catalogue.ts';

/** One AI agent on one simulated machine: its kind and the little that differs from machine to machine. */
export interface SimulatedAiAgent {
  kind: AiAgentKind;
  id: string;
  user: string;
  pids: readonly number[];
  /** Clock ticks since boot. */
  startTime: number;
  exeSha256: string;
  firstSeenMs: number;
}

/** One to three AI agents, the same for the same seed. */
export function createAiAgents(random: SeededRandom, device: string, nowMs: number): SimulatedAiAgent[] {
  const kinds = random.sample(AI_AGENT_KINDS, random.integer(1, 3));
  return kinds.map((kind) => {
    const user = random.pick(PEOPLE);
    const pid = random.integer(2_000, 60_000);
    return {
      kind,
      id: sha256Hex(canonicalBytes({ device, user, exe: kind.exePath, script: kind.entryScript })),
      user,
      pids: Array.from({ length: random.integer(1, 3) }, (_, index) => pid + index),
      startTime: random.integer(10_000, 9_000_000),
      // The same build of the same program has the same hash on every machine.
      exeSha256: sha256Hex(Buffer.from(`simulated ${kind.exePath}`)),
      firstSeenMs: nowMs - random.integer(0, 6 * 3_600_000),
    };
  });
}

/** Whether one of these freezes meets this AI agent. Team freezes only reach devices of that team. */
export function isFrozen(agent: SimulatedAiAgent, freezes: readonly ActiveFreeze[]): boolean {
  return freezes.some(({ selector }) => meets(agent, selector));
}

function meets(agent: SimulatedAiAgent, selector: FreezeSelector): boolean {
  switch (selector.kind) {
    case 'all':
    case 'team':
      return true;
    case 'library':
      return agent.kind.libraries.includes(selector.name);
    case 'hash':
      return agent.exeSha256 === selector.sha256;
    case 'model':
      return agent.kind.models.includes(selector.name);
    case 'agent':
      return agent.id === selector.agent;
  }
}

/** As the inventory message carries it. */
export function describeAiAgent(agent: SimulatedAiAgent, frozen: boolean, nowMs: number): AiAgent {
  const { kind } = agent;
  const [first = 0] = agent.pids;
  return {
    id: agent.id,
    name: kind.name,
    user: agent.user,
    exePath: kind.exePath,
    exeSha256: agent.exeSha256,
    entryScript: kind.entryScript,
    libraries: [...kind.libraries],
    models: [...kind.models],
    signatures: kind.libraries.map((library) => `library/${library}`),
    risk: kind.risk,
    evidence: ['simulated'],
    processes: agent.pids.map((pid) => ({
      pid,
      ppid: pid === first ? 1 : first,
      startTime: BigInt(agent.startTime),
      name: kind.processName,
      commandLine: `${kind.exePath} ${kind.entryScript}`.trim(),
      rssBytes: 180_000_000n,
      cpuShare: frozen ? 0 : 0.02,
      frozen,
    })),
    frozen,
    firstSeenMs: BigInt(agent.firstSeenMs),
    lastSeenMs: BigInt(nowMs),
    confidence: 'full',
  };
}
