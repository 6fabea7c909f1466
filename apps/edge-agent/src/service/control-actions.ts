import { type LedgerEntry, RaypherError } from '@raypher/shared';
import type { ApprovalDesk } from '../approvals/approval-desk.ts';
import { answerApprovalRequest } from '../approvals/approval-requests.ts';
import type { Allowance } from '../callers/allowance.ts';
import { cutConnection } from '../connections/cut-connection.ts';
import type { LiveConnections } from '../connections/live-connections.ts';
import type { Inventory } from '../discovery/inventory.ts';
import type { GuardAnswer } from '../guard/guard-answer.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import { type Ledger, readEntry } from '../ledger/ledger.ts';
import type { Panic } from '../panic/panic.ts';
import type { PolicyEnforcer } from '../proxy/policy-enforcer.ts';
import type { EventLog } from '../store/event-log.ts';
import type { Vault } from '../vault/vault.ts';
import { answerVaultRequest } from '../vault/vault-requests.ts';
import type { BudgetStatus } from './budget-status.ts';
import type { ControlRequest } from './control-protocol.ts';
import type { ControlHandler } from './control-server.ts';
import type { FreezeEnforcer } from './freeze-enforcer.ts';
import type { ProcessKiller } from './process-killer.ts';
import type { ServiceStatus } from './service-status.ts';

export interface ControlActionParts {
  status: () => ServiceStatus;
  inventory: Inventory;
  freeze: FreezeEnforcer;
  killer: ProcessKiller;
  panic: Panic;
  allowance: Allowance;
  ledger: Ledger;
  log: EventLog;
  vault: Vault | undefined;
  approvals: ApprovalDesk;
  connections: LiveConnections;
  record: (event: EventDraft) => void;
  isEnrolled: boolean;
  budgets: () => BudgetStatus[];
  policy: PolicyEnforcer;
  guardPolicy: (group: string | undefined) => Promise<GuardAnswer>;
}

/** What the command line's requests do. */
export function controlActions(parts: ControlActionParts): ControlHandler {
  return async (request, stream) => {
    switch (request.verb) {
      case 'status':
        return parts.status();
      case 'scan': {
        const { atMs, processes, agents } = await parts.inventory.refresh();
        return {
          at: new Date(atMs).toISOString(),
          processes: processes.length,
          agents: agents.map(readable),
        };
      }
      case 'freeze':
        return parts.freeze.freeze(request.selector, request.reason, request.by);
      case 'thaw':
        return parts.freeze.thaw(request.id, request.by);
      case 'kill': {
        const actor: EventDraft['actor'] = { kind: 'user', id: request.by, name: request.by };
        const report = await parts.killer.kill(request.pid, undefined, actor, 'raypher kill');
        return {
          killed: report.killed.length,
          survivors: report.survivors.length,
          severed: report.severed,
          notSevered: report.notSevered,
          durationMs: report.durationMs,
        };
      }
      case 'panic': {
        const { target, reason, by, hold, memory } = request;
        return parts.panic.trigger({ target, reason, by, hold, memory, origin: 'device' });
      }
      case 'allow':
        return parts.allowance.allow({ ...request, script: request.script, uid: request.uid });
      case 'disallow':
        return parts.allowance.disallow(request.target, request.by);
      case 'allowed':
        return parts.allowance.list();
      case 'connections':
        return parts.connections.list();
      case 'cut-connection':
        return cutConnection(parts.connections, parts.record, { ...request, from: 'device' });
      case 'budget':
        return parts.budgets();
      case 'logs':
        return sendLogs(parts, request, stream);
      case 'approvals':
      case 'decide-approval':
        return answerApprovalRequest(parts.approvals, parts.isEnrolled, request);
      case 'policy':
        return parts.policy.inForce();
      case 'guard-policy':
        return parts.guardPolicy(request.group);
      case 'entry':
        return readEntryOf(parts.log, request.seq);
      default:
        return answerVaultRequest(parts.vault, request);
    }
  };
}

async function sendLogs(
  { log, ledger }: ControlActionParts,
  { lines, follow }: Extract<ControlRequest, { verb: 'logs' }>,
  { send, closed }: Parameters<ControlHandler>[1],
): Promise<null> {
  // What was done before the question belongs in the answer.
  ledger.flush();
  const stored = log.latest(lines).map(({ entry }) => readEntry(entry));
  for (const entry of stored) send(entry);
  if (!follow || closed.aborted) return null;
  const { promise, resolve } = Promise.withResolvers<null>();
  const stop = ledger.onRecorded((entries: LedgerEntry[]) => {
    for (const entry of entries) send(entry);
  });
  closed.addEventListener('abort', () => resolve(null), { once: true });
  return promise.finally(stop);
}

/** @throws RaypherError `request/not-found` for one that is not there yet, or not any more */
function readEntryOf(log: EventLog, seq: number): LedgerEntry {
  const [stored] = log.from(seq, 1);
  if (stored?.seq === seq) return readEntry(stored.entry);
  throw new RaypherError('request/not-found', `The ledger of this device has no entry ${seq}.`, {
    hint: 'Old entries are forgotten once the control plane has them.',
  });
}

/** JSON has no bigint. */
function readable(agent: Inventory['current']['agents'][number]): Record<string, unknown> {
  return {
    ...agent,
    firstSeenMs: Number(agent.firstSeenMs),
    lastSeenMs: Number(agent.lastSeenMs),
    processes: agent.processes.map((process) => ({
      ...process,
      startTime: Number(process.startTime),
      rssBytes: Number(process.rssBytes),
    })),
  };
}
