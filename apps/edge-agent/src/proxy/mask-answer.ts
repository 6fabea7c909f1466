import { pipeline, type Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { contentDecoders } from './content-coding.ts';
import type { EchoMask } from './echo-mask.ts';
import { AnswerBlocked } from './inspect-answer.ts';

/** An answer as the rest of the proxy reads it. */
export type ReadAnswer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'> & {
  readonly body: Readable;
};

/**
 * An answer without the values that were put into its question. It is unpacked, because in packed bytes nothing can be
 * found.
 *
 * @throws AnswerBlocked for one in a content coding that cannot be undone
 */
export function maskAnswer(
  answer: Dispatcher.ResponseData,
  mask: EchoMask | undefined,
  method: string,
): ReadAnswer {
  if (mask === undefined) return answer;
  const headers = mask.headers(answer.headers);
  if (method === 'HEAD') return { statusCode: answer.statusCode, headers, body: answer.body };
  const coding = answer.headers['content-encoding'];
  const decoders = contentDecoders(coding === undefined ? undefined : String(coding));
  if (decoders === undefined) {
    // Whoever ends it early is told so, which is no news here.
    answer.body.on('error', () => {}).destroy();
    throw new AnswerBlocked('its content coding is not known, and it could repeat a sealed key.');
  }
  if (decoders.length > 0) {
    delete headers['content-encoding'];
    delete headers['content-length'];
  }
  const body = [...decoders, mask.stream()].reduce<Readable>(
    (from, step) => pipeline(from, step, () => {}),
    answer.body,
  );
  return { statusCode: answer.statusCode, headers, body };
}
