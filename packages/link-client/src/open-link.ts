import type { LinkTransport } from '@raypher/shared';
import { openGrpcLine } from './grpc-line.ts';
import type { LinkEvents, LinkLine, LinkTarget } from './line.ts';
import { openLongPollLine } from './long-poll-line.ts';
import { openWebSocketLine } from './web-socket-line.ts';

const OPENERS: Record<LinkTransport, (target: LinkTarget, events: LinkEvents) => LinkLine> = {
  grpc: openGrpcLine,
  websocket: openWebSocketLine,
  'long-poll': openLongPollLine,
};

/**
 * Opens a line to the control plane with mutual TLS. It ends with an {@link LinkEnding} when there is none.
 *
 * @throws Error when the TLS options are not usable: a key that does not belong to the certificate, for instance
 */
export function openLink(transport: LinkTransport, target: LinkTarget, events: LinkEvents): LinkLine {
  return OPENERS[transport](target, events);
}
