import { type ControlMessage, type ErrorCode, isErrorCode } from '@raypher/shared';
import type { EndingKind, LinkEnding, LinkEvents } from './line.ts';

/**
 * What errors before the first message mean, by what they say: grpc-js gives texts and nothing else. The first row that
 * fits holds; what fits none is `away`, so that nobody leaves a transport for a reason that is not known.
 */
const MEANINGS: readonly { says: RegExp; kind: EndingKind }[] = [
  // A certificate, theirs or ours, or a key that does not answer: no transport is better trusted than another.
  {
    says: /certificate|altname|unknown ca\b|unable to verify|self[- ]signed|key values|TPM/i,
    kind: 'refused',
  },
  { says: /\bproxy\b.*\b40[17]\b/i, kind: 'refused' },
  // Nothing was reached, so nothing was learnt about what lies behind it.
  {
    says: /ECONNREFUSED|E(HOST|NET)(UNREACH|DOWN)|ENOTFOUND|EAI_|Name resolution|\bproxy\b.*\b50\d\b/i,
    kind: 'away',
  },
  // TLS without h2: RFC 7301 §3.2.
  { says: /no application protocol|another protocol than/i, kind: 'blocked' },
  // What is in front of the control plane speaks, but not what we speak.
  {
    says: /wrong version number|packet length|EPROTO|http2|protocol error|unexpected answer/i,
    kind: 'blocked',
  },
  // Reset or closed once it was seen what this is: before TLS was up, or before the first message.
  {
    says: /ECONNRESET|EPIPE|hang up|hung up|disconnected before|socket closed|failed to connect|dropped/i,
    kind: 'blocked',
  },
  // Taken and never answered.
  { says: /ETIMEDOUT|timed? ?out|no answer|does not answer/i, kind: 'blocked' },
  // grpc-js forgets why a proxy did not give it a tunnel.
  { says: /Last error: (undefined|null)\b|\bproxy\b/i, kind: 'blocked' },
];

/** What a failure before the first message says about the transport. */
export function kindOf(reason: string): EndingKind {
  return MEANINGS.find(({ says }) => says.test(reason))?.kind ?? 'away';
}

/** @param code of the control plane, which makes it its decision whatever else is said */
export function endingOf(reason: string, code = ''): LinkEnding {
  return isErrorCode(code) ? { kind: 'refused', reason, code } : { kind: kindOf(reason), reason, code: '' };
}

/**
 * Told to whoever listens, at most once and never after {@link Teller.silence}: an ending after the first message is
 * about that line alone, and a refusal is an ending, not a message.
 */
export class Teller {
  readonly #events: LinkEvents;
  #heard = false;
  #done = false;

  constructor(events: LinkEvents) {
    this.#events = events;
  }

  get done(): boolean {
    return this.#done;
  }

  message(message: ControlMessage): void {
    if (this.#done) return;
    const { body } = message;
    if (body?.$case === 'refusal') {
      this.end(endingOf(body.value.details, body.value.code));
      return;
    }
    this.#heard = true;
    this.#events.message(message);
  }

  end(ending: LinkEnding): void {
    if (this.#done) return;
    this.#done = true;
    const isOver = this.#heard && ending.code === '';
    this.#events.ended(isOver ? { ...ending, kind: 'over' } : ending);
  }

  silence(): void {
    this.#done = true;
  }
}

/** The code in a body that the control plane answers refused requests with. */
export function refusalIn(text: string): { code: ErrorCode; reason: string } | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const error: unknown = Object(body).error;
    const { code, message, hint } = Object(error);
    if (typeof code !== 'string' || !isErrorCode(code) || typeof message !== 'string') return undefined;
    return { code, reason: typeof hint === 'string' ? `${message} ${hint}` : message };
  } catch {
    return undefined;
  }
}
