import type { OcsfEvent } from '@raypher/ocsf';
import type { Severity } from '@raypher/shared';

/** One event on its way, with what the receivers' own formats say beside it. */
export interface OutgoingEvent {
  /** Place in the log. */
  index: number;
  severity: Severity;
  event: OcsfEvent;
  /** `event` as JSON in ASCII, so that no receiver has to guess an encoding. */
  json: string;
}

/** Sends to one destination. Used by one worker, and made anew after every failure. */
export interface Sender {
  /**
   * @returns what the receiver said, once it has confirmed all of them
   * @throws DeliveryError when it has not, or nobody knows
   */
  send(events: readonly OutgoingEvent[]): Promise<string>;
  close(): Promise<void>;
}

/** Events were not confirmed. The message is for people, and holds no secret. */
export class DeliveryError extends Error {
  /** The same again would be refused again. */
  readonly isPermanent: boolean;
  /** The receiver asked to be left alone that long, milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: { isPermanent?: boolean; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'DeliveryError';
    this.isPermanent = options.isPermanent ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const LONGEST_WORDS = 500;

/**
 * What a receiver said, fit to be stored and shown: cut, without control characters, and without our secrets, which
 * some receivers repeat.
 */
export function heard(words: string, secrets: readonly string[]): string {
  let text = words;
  for (const secret of secrets) if (secret !== '') text = text.replaceAll(secret, '•••');
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .slice(0, LONGEST_WORDS)
    .trim();
}

/** JSON with everything outside ASCII escaped (RFC 8259 §7). */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
