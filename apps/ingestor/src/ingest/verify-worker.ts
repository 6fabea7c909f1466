import { parentPort } from 'node:worker_threads';
import { verifyBatch } from './verify-batch.ts';
import { batchOf, refusalOf, type VerifyReply, type VerifyRequest } from './verify-message.ts';

/** A thread of the verify pool: batches in, verified batches or refusals out, in the same order. */
parentPort?.on('message', (request: VerifyRequest) => {
  const { id } = request;
  try {
    const batch = verifyBatch(batchOf(request), request);
    const { text, ends } = batch.lines;
    reply({ id, batch }, [text.buffer, ends.buffer, batch.leafHashes.buffer]);
  } catch (error) {
    reply({ id, refusal: refusalOf(error) }, []);
  }
});

function reply(message: VerifyReply, handedOver: ArrayBuffer[]): void {
  parentPort?.postMessage(message, handedOver);
}
