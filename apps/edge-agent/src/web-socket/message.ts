import { isUtf8 } from 'node:buffer';

/** One message of a WebSocket. */
export interface Message {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

/** Looks through the messages of one direction before they go on. */
export interface MessageInspector {
  /**
   * @returns what may go on now, in order; maybe nothing, while what came may still be the beginning of something
   * @throws AnswerBlocked when nothing more may
   */
  push(message: Message): readonly Message[];
  /** @returns what is held back; @throws AnswerBlocked */
  flush(): readonly Message[];
  readonly isHolding: boolean;
}

const [OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET] = Buffer.from('{[}]');

/** What a message is read as. Some programs send text in binary messages; bytes that are none are sound and pictures. */
export function kindOf({ bytes, isBinary }: Message): 'json' | 'text' | 'bytes' {
  if (isBinary && !isUtf8(bytes)) return 'bytes';
  const begin = bytes.find((byte) => byte > 0x20);
  const end = bytes.findLast((byte) => byte > 0x20);
  const isJson =
    (begin === OPEN_BRACE && end === CLOSE_BRACE) || (begin === OPEN_BRACKET && end === CLOSE_BRACKET);
  return isJson ? 'json' : 'text';
}
