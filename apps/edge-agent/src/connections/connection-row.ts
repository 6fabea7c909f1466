import { LiveConnection as ConnectionRow } from '@raypher/shared';
import { type LiveConnection, PREVIEW_LENGTH } from './live-connections.ts';

/** Longer ones are cut off: what names a connection is in front. */
const LONGEST = { host: 253, path: 512, name: 128 };

/** A connection as it is told to the control plane. */
export function connectionRow(state: LiveConnection): ConnectionRow {
  const { process, agent, rule } = state;
  return ConnectionRow.fromPartial({
    id: state.id,
    openedAtMs: BigInt(state.openedAt),
    kind: state.kind,
    ...(process === undefined ? {} : { pid: process.pid, processStart: BigInt(process.startTime) }),
    ...(agent === undefined
      ? {}
      : {
          agentId: clip(agent.id, LONGEST.name),
          agentName: clip(agent.name, LONGEST.name),
          user: clip(agent.user, LONGEST.name),
        }),
    host: clip(state.host, LONGEST.host),
    port: state.port,
    method: clip(state.method, 32),
    path: clip(state.path, LONGEST.path),
    provider: state.provider ?? '',
    model: clip(state.model ?? '', LONGEST.name),
    outcome: state.outcome,
    layer: rule.layer,
    rule: clip(rule.id, LONGEST.name),
    policyRevision: BigInt(rule.revision),
    bytesSent: BigInt(state.bytesSent),
    bytesReceived: BigInt(state.bytesReceived),
    ...(state.costMicros === undefined ? {} : { costMicros: BigInt(Math.round(state.costMicros)) }),
    costEstimated: state.costEstimated,
    asked: clip(state.asked, PREVIEW_LENGTH),
    answered: clip(state.answered, PREVIEW_LENGTH),
  });
}

function clip(text: string, most: number): string {
  return text.length > most ? text.slice(0, most).toWellFormed() : text;
}
