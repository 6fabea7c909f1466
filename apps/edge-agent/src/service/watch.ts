import { type AiAgent, Inventory as InventoryMessage } from '@raypher/shared';
import type { AgentChange, Inventory, InventorySnapshot } from '../discovery/inventory.ts';
import {
  openProcessFeed,
  type ProcessFeed,
  type ProcessNews,
  type WatchWay,
} from '../discovery/process-feed.ts';
import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import type { AiAgentSightings } from '../store/ai-agents.ts';
import type { FreezeEnforcer } from './freeze-enforcer.ts';

export interface WatchParts {
  inventory: Inventory;
  freeze: FreezeEnforcer;
  sightings: AiAgentSightings;
  record: (event: EventDraft) => void;
  publish: (inventory: InventoryMessage) => void;
  /** Between two looks at all processes where the kernel gives no events, milliseconds. */
  intervalMs: number;
  /** Gives AI agents control groups of their own; `again`: those that were in order are looked at as well. */
  adopt?: (agents: readonly AiAgent[], options: { again: boolean }) => Promise<void>;
  /** Default: the best there is here. */
  openFeed?: () => ProcessFeed;
  /** Told at the start: by events of the kernel, or by polling and why. */
  watching?: (way: WatchWay) => void;
}

/** Where events say what to look at, all processes are looked at this often: programs load libraries without any. */
const LOOK_AT_ALL_EVERY_MS = 15_000;

/** Memory and CPU figures alone are sent this often; a changed list is sent at once. */
const FIGURES_EVERY_MS = 5000;
const SIGHTINGS_EVERY_MS = 60_000;

/**
 * Looks at the processes as they come and go: records AI agents that come, change and go, freezes new ones that
 * match a freeze, and publishes the inventory.
 *
 * @returns how to stop
 */
export function startWatch(parts: WatchParts, fail: (error: unknown) => void): () => Promise<void> {
  const { inventory, record } = parts;
  const saw = (agents: readonly AiAgent[]): void => {
    try {
      parts.sightings.saw(agents);
    } catch {
      // A full disk; the ledger reports it. Looking and freezing go on.
    }
  };
  const stop = new AbortController();
  const appeared = (agent: AiAgent): void => {
    saw([agent]);
    record(discovered('discovery.appeared', agent, agent.risk === 'critical' ? 'notice' : 'info'));
  };
  const changed = (agent: AiAgent, changes: AgentChange[]): void => {
    const isCode = changes.includes('code');
    record(discovered('discovery.changed', agent, isCode ? 'warning' : 'info', { changes }));
  };
  const vanished = (agent: AiAgent): void => {
    saw([agent]);
    record(discovered('discovery.vanished', agent, 'info'));
  };
  inventory.on('appeared', appeared);
  inventory.on('changed', changed);
  inventory.on('vanished', vanished);

  const publisher = new Publisher(parts.publish);
  const feed = parts.openFeed?.() ?? openProcessFeed(parts.intervalMs);
  parts.watching?.(feed.way);
  const loop = async (): Promise<void> => {
    let savedAt = performance.now();
    let lookedAtAll = Number.NEGATIVE_INFINITY;
    let news: ProcessNews = 'look at all';
    while (!stop.signal.aborted) {
      let snapshot = news === 'look at all' ? inventory.current : await inventory.update(news.events);
      const all = news === 'look at all' || performance.now() >= lookedAtAll + LOOK_AT_ALL_EVERY_MS;
      if (all) {
        lookedAtAll = performance.now();
        snapshot = await inventory.refresh();
      }
      await parts.freeze.sweep();
      await parts.adopt?.(snapshot.agents, { again: all });
      publisher.offer(snapshot);
      if (performance.now() - savedAt > SIGHTINGS_EVERY_MS) {
        savedAt = performance.now();
        saw(snapshot.agents);
      }
      const allDueInMs = lookedAtAll + LOOK_AT_ALL_EVERY_MS - performance.now();
      // Somebody may continue what is held, which is no event.
      const sweepInMs = parts.freeze.held > 0 ? parts.intervalMs : Number.POSITIVE_INFINITY;
      news = await feed.next(Math.min(inventory.dueInMs, allDueInMs, sweepInMs), stop.signal);
    }
  };
  const running = loop().catch(fail);
  return async () => {
    stop.abort();
    inventory.off('appeared', appeared);
    inventory.off('changed', changed);
    inventory.off('vanished', vanished);
    await running;
    feed.close();
  };
}

class Publisher {
  readonly #publish: (inventory: InventoryMessage) => void;
  #shape = '';
  #at = Number.NEGATIVE_INFINITY;

  constructor(publish: (inventory: InventoryMessage) => void) {
    this.#publish = publish;
  }

  offer({ atMs, processes, agents }: InventorySnapshot): void {
    const shape = JSON.stringify(agents.map(shapeOf));
    if (shape === this.#shape && performance.now() - this.#at < FIGURES_EVERY_MS) return;
    this.#shape = shape;
    this.#at = performance.now();
    this.#publish(
      InventoryMessage.fromPartial({ atMs: BigInt(atMs), processes: processes.length, agents: [...agents] }),
    );
  }
}

/** What makes a snapshot differ for somebody who reads it: not memory, CPU or the time. */
function shapeOf(agent: AiAgent): unknown {
  const { id, frozen, risk, libraries, models, exeSha256 } = agent;
  return [
    id,
    frozen,
    risk,
    libraries,
    models,
    exeSha256,
    agent.processes.map(({ pid, frozen }) => [pid, frozen]),
  ];
}

function discovered(
  type: 'discovery.appeared' | 'discovery.changed' | 'discovery.vanished',
  agent: AiAgent,
  severity: EventDraft['severity'],
  more: EventDraft['data'] = {},
): EventDraft {
  return {
    type,
    severity,
    actor: EDGE_AGENT,
    action: type.slice('discovery.'.length),
    target: agent.name,
    data: {
      agent: agent.id,
      user: agent.user,
      executable: agent.exePath,
      sha256: agent.exeSha256,
      script: agent.entryScript,
      risk: agent.risk,
      signatures: agent.signatures,
      libraries: agent.libraries,
      models: agent.models,
      evidence: agent.evidence,
      pids: agent.processes.map(({ pid }) => String(pid)),
      ...more,
    },
  };
}
