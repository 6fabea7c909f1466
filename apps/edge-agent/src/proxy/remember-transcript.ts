import { estimateInput, type InputEstimate, withoutEstimate } from '@raypher/cost';
import type { Exchange } from './exchange.ts';
import type { ProxyContext } from './proxy-context.ts';
import { aroundMessages, type MessageList, messageList, SHORTEST_TRANSCRIPT } from './transcript.ts';

/** Of all that looks through a request; another one may find other things. */
export function scannerVersion(context: Pick<ProxyContext, 'data' | 'names' | 'policy'>): string {
  return context.names?.version(context) ?? context.data.scanner.version;
}

/** After a request went on: the next one of its connection most likely begins with the same messages. */
export function rememberTranscript(
  context: Pick<ProxyContext, 'transcripts' | 'data' | 'names' | 'policy'>,
  exchange: Exchange,
  isClean: boolean,
): void {
  const { client } = exchange;
  const { transcripts } = context;
  const { plain, excerpt } = exchange.read;
  // The list is read off valid JSON alone.
  const mayRepeat = isClean && plain !== undefined && plain.length >= SHORTEST_TRANSCRIPT;
  if (!mayRepeat || typeof exchange.unknownJson !== 'object') {
    transcripts.forget(client);
    return;
  }
  const list = messageList(plain, excerpt);
  const estimate = list === undefined ? undefined : estimateOf(exchange, plain, list);
  transcripts.remember(client, plain, list, scannerVersion(context), estimate);
}

/** Of the messages alone; undefined where nobody asked what the call costs. */
function estimateOf(exchange: Exchange, plain: Buffer, list: MessageList): InputEstimate | undefined {
  if (!exchange.isReckoned) return undefined;
  const around = estimateInput(JSON.parse(aroundMessages(plain, list).toString('utf8')));
  return withoutEstimate(exchange.input, around);
}
