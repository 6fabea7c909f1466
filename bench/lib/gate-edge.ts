import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Inventory } from '../../apps/edge-agent/src/discovery/inventory.ts';
import type { EventDraft } from '../../apps/edge-agent/src/ledger/event-draft.ts';
import { Ledger, NOBODY } from '../../apps/edge-agent/src/ledger/ledger.ts';
import { PolicyEnforcer } from '../../apps/edge-agent/src/proxy/policy-enforcer.ts';
import { openDatabase } from '../../apps/edge-agent/src/store/database.ts';
import { EntryCipher } from '../../apps/edge-agent/src/store/entry-cipher.ts';
import { EventLog } from '../../apps/edge-agent/src/store/event-log.ts';

/** A document of so many rules about tools, none of which matches what the bench asks. */
export function toolRules(count: number): string {
  const rules = Array.from({ length: count }, (_, at) => {
    const id = `rule-${at}`;
    if (at % 4 === 0)
      return `    - { id: ${id}, effect: deny, servers: [server-${at}], tools: [tool_${at}] }`;
    if (at % 4 === 1) return `    - { id: ${id}, effect: deny, tools: ['drop_${at}_*'] }`;
    if (at % 4 === 2)
      return `    - { id: ${id}, effect: prompt, tools: [publish_${at}], arguments: ['*prod*'] }`;
    return `    - { id: ${id}, effect: deny, tools: [send_${at}], agents: { users: [user-${at}] } }`;
  });
  return `apiVersion: raypher/v1\nmode: enforce\ntools:\n  default: allow\n  rules:\n${rules.join('\n')}\n`;
}

/** What the gate of the service stands on: a policy in force, the inventory of this machine, a ledger on disk. */
export async function edgePath(folder: string, rules: number) {
  const policy = new PolicyEnforcer('software');
  await policy.apply({
    revision: 1,
    digest: '0'.repeat(64),
    payload: {
      kind: 'policy',
      organisation: '00000000-0000-4000-8000-000000000000',
      revision: 1,
      issuedAt: new Date().toISOString(),
      documents: [{ layer: 'global', source: toolRules(rules) }],
    },
  });
  const inventory = new Inventory({ device: 'bench' });
  await inventory.refresh();
  const { db } = openDatabase(join(folder, 'agent.db'));
  const ledger = new Ledger(new EventLog(db, new EntryCipher(randomBytes(32))), NOBODY);
  return { policy, inventory, record: (event: EventDraft): void => ledger.note(event) };
}
