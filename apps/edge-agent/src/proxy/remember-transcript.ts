import { estimateInput, type InputEstimate, withoutEstimate } from '@raypher/cost';
import type { Exchange } from './exchange.ts';
import type { ProxyContext } from './proxy-context.ts';
import { aroundMessages, type MessageList, messageList, SHORTEST_TRANSCRIPT } from './transcript.ts';

/** After a request went on: the next one of its connection most likely begins with the same messages. */
export function rememberTranscript(
  { transcripts, data }: Pick<ProxyContext, 'transcripts' | 'data'>,
  exchange: Exchange,
  isClean: boolean,
): void {
  const { client } = exchange;
  const { plain, excerpt } = exchange.read;
  // The list is read off valid JSON alone.
  const mayRepeat = isClean && plain !== undefined && plain.length >= SHORTEST_TRANSCRIPT;
  if (!mayRepeat || typeof exchange.unknownJson !== 'object') {
    transcripts.forget(client);
    return;
  }
  const list = messageList(plain, excerpt);
  const estimate = list === undefined ? undefined : estimateOf(exchange, plain, list);
  transcripts.remember(client, plain, list, data.scanner.version, estimate);
}

/** Of the messages alone; undefined where nobody asked what the call costs. */
function estimateOf(exchange: Exchange, plain: Buffer, list: MessageList): InputEstimate | undefined {
  if (!exchange.isReckoned) return undefined;
  const around = estimateInput(JSON.parse(aroundMessages(plain, list).toString('utf8')));
  return withoutEstimate(exchange.input, around);
}
