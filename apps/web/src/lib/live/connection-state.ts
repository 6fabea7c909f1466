/** What the live indicator says; times are milliseconds since the epoch. */
export type Connection =
  | { kind: 'connecting'; since: number }
  | { kind: 'connected'; since: number }
  | { kind: 'reconnecting'; since: number };

/** After this long without a connection the page's data is called stale, with its age. */
export const STALE_AFTER_MS = 5_000;

export interface LiveLabel {
  tone: 'allowed' | 'prompted' | 'denied';
  /** One or two words for the eye. */
  text: string;
  /** A whole sentence for the tooltip and for screen readers. */
  sentence: string;
}

/**
 * Words for a connection at a moment.
 *
 * @example describeConnection({ kind: 'reconnecting', since: 0 }, 12_000).text // "Stale for 12 s"
 */
export function describeConnection(connection: Connection, now: number): LiveLabel {
  const seconds = Math.max(0, Math.floor((now - connection.since) / 1000));
  switch (connection.kind) {
    case 'connected':
      return { tone: 'allowed', text: 'Live', sentence: 'Connected: what you see changes as it happens.' };
    case 'connecting':
      return { tone: 'prompted', text: 'Connecting', sentence: 'Connecting to the control plane.' };
    case 'reconnecting':
      if (now - connection.since < STALE_AFTER_MS) {
        return {
          tone: 'prompted',
          text: 'Reconnecting',
          sentence: 'The live connection broke; trying again.',
        };
      }
      return {
        tone: 'denied',
        text: `Stale for ${seconds} s`,
        sentence: `Not connected for ${seconds} seconds: this page shows the state of then. Devices keep enforcing.`,
      };
  }
}
