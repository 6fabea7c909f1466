import type { LiveConnection } from '../connections/live-connections.ts';
import type { Inventory } from '../discovery/inventory.ts';
import { readEntry } from '../ledger/ledger.ts';
import { Panic } from '../panic/panic.ts';
import { PanicFolder } from '../panic/panic-folder.ts';
import type { PanicIntent } from '../panic/panic-intent.ts';
import type { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import type { Cgroups } from '../response/cgroup.ts';
import type { Protection } from '../response/protected.ts';
import type { FreezeEnforcer } from './freeze-enforcer.ts';
import type { OpenedAgent } from './open-agent.ts';

/** A minute of a busy device is some hundred entries. */
const MAX_ENTRIES = 2000;

/** Gives a panic what it takes its snapshot from, and what holds AI agents. */
export function openPanic(parts: {
  agent: OpenedAgent;
  path: string;
  inventory: Inventory;
  protection: Protection;
  cgroups: Cgroups | undefined;
  freeze: FreezeEnforcer;
  policy: PolicyEnforcer;
  connections: () => LiveConnection[];
  posture: () => unknown[];
}): Panic {
  const { agent, path, inventory, protection, cgroups, freeze, policy, connections, posture } = parts;
  const { ledger, log } = agent;
  return new Panic({
    folder: new PanicFolder(path),
    path,
    sources: {
      ...ledger.owner,
      inventory,
      connections,
      posture,
      entriesSince: (at) => {
        ledger.flush();
        return log.since(at, MAX_ENTRIES).map(({ entry }) => readEntry(entry));
      },
    },
    protection,
    cgroups,
    hold: {
      freeze: async (intent) => {
        await freeze.freeze(selectorOf(intent), intent.reason, intent.by, intent.id);
      },
      heldBy: (id) => freeze.heldBy(id),
    },
    organisationKey: () => policy.forensics,
    record: (event) => ledger.record(event),
    note: (event) => ledger.note(event),
  });
}

function selectorOf({ target, label }: PanicIntent) {
  return target.kind === 'agent'
    ? { kind: 'agent' as const, agent: target.agent, name: label.slice(0, 256) }
    : { kind: 'all' as const };
}
