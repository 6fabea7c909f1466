import { EDGE_AGENT, type EventDraft } from '../ledger/event-draft.ts';
import { severConnections } from '../response/sever.ts';

/** "127.0.0.1:8888", "[::1]:8888", "[::ffff:7f00:1]:8888" */
const LOOPBACK = /^(?:127\.|\[::1\]|\[::ffff:7f)/;

/**
 * What an AI agent connected to before it was adopted belongs to the control group that it was in: no program of the
 * guard sees it. Where rules are enforced it ends here, while the AI agent stands still; what it opens next is led to
 * the proxy. Connections within this machine are not led anywhere, and stay.
 *
 * @param pids all processes of the AI agent, suspended
 */
export function endEarlierConnections(
  pids: readonly number[],
  group: string,
  record: (event: EventDraft) => void,
): void {
  const { severed, connections, notSevered } = severConnections(pids, ({ remote }) => !LOOPBACK.test(remote));
  if (severed === 0 && notSevered.length === 0) return;
  record({
    type: 'guard.adopted',
    severity: notSevered.length > 0 ? 'warning' : 'notice',
    actor: EDGE_AGENT,
    action: 'end earlier connections',
    target: group,
    data: { severed, connections: connections.slice(0, 32), notSevered },
  });
}
