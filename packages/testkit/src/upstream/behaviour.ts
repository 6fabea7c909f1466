/** How the fake upstream misbehaves. All are off at first; change them between requests with `behave`. */
export interface Behaviour {
  /** Milliseconds before the answer's first byte. */
  delayMs: number;
  /** Milliseconds between the events of a stream. */
  chunkDelayMs: number;
  /** Characters of text in one event of a stream. */
  chunkCharacters: number;
  /** Writes at most so many bytes at a time, so that events and UTF-8 characters arrive in parts. 0: whole events. */
  bytesPerWrite: number;
  /** Cuts the connection after so many events of a stream. */
  dropAfterEvents: number | undefined;
  /** Sends the provider's error event after so many events of a stream, then ends. */
  errorAfterEvents: number | undefined;
  /** Answers every request with this status in the provider's error shape. */
  failWith: number | undefined;
  /** Only so many requests since the last reset fail so. */
  failRequests: number;
  /** Writes a stream in two parts, the first one so many bytes long. */
  cutAt: number | undefined;
  /** Which API keys are good. Default: any that is not empty. */
  acceptKey: (key: string) => boolean;
}

export const GOOD_BEHAVIOUR: Behaviour = {
  delayMs: 0,
  chunkDelayMs: 0,
  chunkCharacters: 8,
  bytesPerWrite: 0,
  dropAfterEvents: undefined,
  errorAfterEvents: undefined,
  failWith: undefined,
  failRequests: Number.POSITIVE_INFINITY,
  cutAt: undefined,
  acceptKey: (key) => key !== '',
};
