import { type CommandPayload, RaypherError } from '@raypher/shared';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { LiveConnection, LiveConnections } from './live-connections.ts';

/** Who wants a connection ended, and why. */
export interface Cut {
  connection: string;
  by: string;
  reason: string;
  /** Where the person sits. */
  from: 'device' | 'control-plane';
}

/**
 * Ends one connection of an AI agent. The broken call leaves its own event as well.
 *
 * @throws RaypherError `connection/unknown`
 */
export function cutConnection(
  connections: LiveConnections,
  record: (event: EventDraft) => void,
  cut: Cut,
): Record<string, unknown> {
  const found = connections.cut(cut.connection, cut.by);
  if (found === undefined) {
    throw new RaypherError('connection/unknown', 'This connection is not open any more.');
  }
  record(cutEvent(found, cut));
  return { host: found.host, agent: found.agent?.name ?? '', bytesReceived: found.bytesReceived };
}

/** What the signed command of the control plane asks for. */
export function cutOf({ arguments: given, reason }: CommandPayload): Cut {
  return {
    connection: String(given.connection ?? ''),
    by: String(given.by ?? 'the control plane'),
    reason,
    from: 'control-plane',
  };
}

function cutEvent(found: LiveConnection, { by, reason, from }: Cut): EventDraft {
  const actor: EventDraft['actor'] =
    from === 'device'
      ? { kind: 'user', id: by, name: by }
      : { kind: 'control-plane', id: '', name: 'control plane' };
  const path = found.kind === 'tunnel' ? `:${found.port}` : found.path;
  return {
    type: 'connection.cut',
    severity: 'notice',
    actor,
    action: 'end connection',
    target: `${found.host}${path}`,
    data: {
      connection: found.id,
      by,
      reason,
      kind: found.kind,
      agent: found.agent?.name ?? '',
      ...(found.process === undefined ? {} : { pid: found.process.pid }),
      bytesSent: found.bytesSent,
      bytesReceived: found.bytesReceived,
    },
  };
}
