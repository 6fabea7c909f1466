import { boundedText } from './bounded-body.ts';
import type { Witness } from './witness.ts';

/** How long a witness may take, milliseconds. */
const TIMEOUT_MS = 10_000;
/** Signature lines of a few keys fit many times. */
const MAX_ANSWER_BYTES = 16 * 1024;

/** What a witness answers: signature lines, or the size of the checkpoint that it cosigned last. */
export type WitnessAnswer = { kind: 'cosigned'; lines: string } | { kind: 'conflict'; size: number };

/**
 * Asks a witness to cosign a checkpoint (c2sp.org/tlog-witness, add-checkpoint).
 *
 * @param oldSize of the checkpoint that it cosigned last; 0 for none
 * @param proof the consistency proof from there
 * @throws Error when it cannot be reached or refuses
 */
export async function addCheckpoint(
  { url }: Witness,
  { oldSize, proof, note }: { oldSize: number; proof: readonly Uint8Array[]; note: string },
): Promise<WitnessAnswer> {
  const hashes = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`);
  const answer = await fetch(`${url}/add-checkpoint`, {
    method: 'POST',
    body: `old ${oldSize}\n${hashes.join('')}\n${note}`,
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await boundedText(answer, MAX_ANSWER_BYTES);
  if (answer.status === 200) return { kind: 'cosigned', lines: text };
  const isSize =
    answer.headers.get('content-type') === 'text/x.tlog.size' && /^(0|[1-9]\d{0,14})\n$/.test(text);
  if (answer.status === 409 && isSize) return { kind: 'conflict', size: Number(text) };
  throw new Error(`the witness answers ${answer.status}`);
}
