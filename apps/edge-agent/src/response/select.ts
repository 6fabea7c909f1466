import { type ActiveFreeze, type AiAgent, describeSelector, type FreezeSelector } from '@raypher/shared';
import type { InventorySnapshot } from '../discovery/inventory.ts';
import { isSamePackage } from '../discovery/package-name.ts';
import type { ProcessRef } from './tree.ts';

/** One thing to be frozen, and by which freezes. */
export interface FreezeTarget {
  /** "agent:<AI agent id>" or "hash:<SHA-256>" */
  key: string;
  label: string;
  freezes: string[];
  evidence: string[];
  /** The processes whose trees are meant. */
  roots: ProcessRef[];
}

/**
 * What a set of freezes hits on this device now.
 *
 * @param team the device's team
 */
export function selectTargets(
  freezes: readonly ActiveFreeze[],
  snapshot: InventorySnapshot,
  team: string | undefined,
): Map<string, FreezeTarget> {
  const targets = new Map<string, FreezeTarget>();
  const add = (freeze: ActiveFreeze, target: Omit<FreezeTarget, 'freezes'>): void => {
    const known = targets.get(target.key) ?? { ...target, evidence: [], freezes: [] };
    known.freezes.push(freeze.id);
    known.evidence.push(...target.evidence);
    targets.set(target.key, known);
  };
  for (const freeze of freezes) {
    const { selector } = freeze;
    if (selector.kind === 'hash') {
      const roots = snapshot.processes.filter(({ exeSha256 }) => exeSha256 === selector.sha256);
      const label = describeSelector(selector);
      const evidence = roots.map(({ pid, exePath }) => `process ${pid} executes ${exePath}`).slice(0, 32);
      if (roots.length > 0) add(freeze, { key: `hash:${selector.sha256}`, label, evidence, roots });
      continue;
    }
    for (const agent of snapshot.agents) {
      const evidence = matches(selector, agent, team);
      if (evidence === undefined) continue;
      const roots = agent.processes.map(({ pid, startTime }) => ({ pid, startTime: Number(startTime) }));
      add(freeze, { key: `agent:${agent.id}`, label: agent.name, evidence: [evidence], roots });
    }
  }
  return targets;
}

/** Why a selector hits an AI agent; undefined when it does not. */
export function matches(
  selector: Exclude<FreezeSelector, { kind: 'hash' }>,
  agent: Pick<AiAgent, 'id' | 'name' | 'libraries' | 'models' | 'evidence'>,
  team: string | undefined,
): string | undefined {
  switch (selector.kind) {
    case 'all':
      return `${agent.name} is an AI agent: ${agent.evidence[0] ?? 'no evidence kept'}`;
    case 'team':
      return selector.team === team ? `${agent.name} runs on a device of team ${selector.team}` : undefined;
    case 'library': {
      const library = agent.libraries.find((name) => isSamePackage(selector.name, name));
      if (library === undefined) return undefined;
      return agent.evidence.find((line) => line.includes(library)) ?? `${agent.name} uses ${library}`;
    }
    case 'model': {
      const wanted = selector.name.toLowerCase();
      const model = agent.models.find((name) => name.toLowerCase() === wanted);
      return model === undefined ? undefined : `${agent.name} uses the model ${model}`;
    }
    case 'agent':
      return agent.id === selector.agent ? `${agent.name} itself is meant` : undefined;
  }
}
