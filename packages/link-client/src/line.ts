import type { SecureContextOptions } from 'node:tls';
import type { AgentMessage, ControlMessage, ErrorCode } from '@raypher/shared';

/** Where the control plane is, and what proves to be a device there. */
export interface LinkTarget {
  host: string;
  port: number;
  /** The device's key and certificate, and the only root that servers are verified against. */
  tls: SecureContextOptions;
  /** An HTTP proxy that is asked for a tunnel (`CONNECT`); undefined: none. */
  proxy?: URL | undefined;
}

/**
 * What an ending says about the transport:
 *
 * - `refused`: one of the two does not trust the other, or the control plane said no. Another transport changes nothing.
 * - `away`: nobody is there. Another transport leads to the same place.
 * - `blocked`: somebody is there, but something on the way does not carry this transport.
 * - `over`: a line that was open has ended.
 */
export type EndingKind = 'refused' | 'away' | 'blocked' | 'over';

export interface LinkEnding {
  kind: EndingKind;
  /** For people. */
  reason: string;
  /** The control plane's, when it gave one. */
  code: ErrorCode | '';
}

export interface LinkEvents {
  message: (message: ControlMessage) => void;
  /** Told once, and never after {@link LinkLine.close}. */
  ended: (ending: LinkEnding) => void;
}

/** One line to the control plane, from dialling to its end. What is written before it is open waits. */
export interface LinkLine {
  write: (message: AgentMessage) => void;
  /** False while more waits than the line likes. */
  writable: () => boolean;
  /** Takes no further message until {@link LinkLine.resume}: the control plane has to wait. */
  pause: () => void;
  resume: () => void;
  /** Ends our half and hangs up when the control plane has answered, or after a second. */
  leave: () => void;
  /** Breaks the line at once. */
  close: () => void;
}
