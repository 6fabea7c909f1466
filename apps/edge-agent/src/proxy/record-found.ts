import type { OpenConnection } from '../connections/live-connections.ts';
import type { Exchange } from './exchange.ts';
import { type FoundFacts, foundEvent } from './found-event.ts';
import type { AnswerInspector } from './inspect-answer.ts';
import type { ProxyContext } from './proxy-context.ts';

/** Records what a message held. */
export function recordFound(
  context: ProxyContext,
  exchange: Exchange,
  connection: OpenConnection,
  found: Pick<FoundFacts, 'direction' | 'verdict' | 'outcome' | 'findings' | 'redacted' | 'unrecognised'>,
): void {
  const { destination, caller, models } = exchange;
  context.record(
    foundEvent({
      host: destination.host,
      path: context.data.recordedPath(destination.path),
      provider: destination.provider?.id,
      model: context.data.recordedModel(models[0]),
      caller,
      connection: connection.state.id,
      ...found,
    }),
  );
}

/** What an answer held, when it held something. */
export function recordAnswer(
  context: ProxyContext,
  exchange: Exchange,
  inspector: AnswerInspector,
  connection: OpenConnection,
): void {
  const { located: findings, worst, redacted, outcome } = inspector.takeFindings();
  if (worst === undefined) return;
  const { verdict } = worst;
  recordFound(context, exchange, connection, { direction: 'in', verdict, outcome, findings, redacted });
}
