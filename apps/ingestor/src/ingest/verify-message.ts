import type { KeyObject } from 'node:crypto';
import { type ErrorCode, type EventBatch, RaypherError } from '@raypher/shared';
import type { BatchOwner, VerifiedBatch } from './verify-batch.ts';

/** Pieces of bytes one after the other; each is cut at its end. One copy instead of hundreds of small ones. */
interface Packed {
  bytes: Uint8Array<ArrayBuffer>;
  ends: Uint32Array<ArrayBuffer>;
}

/** A batch on its way to the thread that verifies it. */
export interface VerifyRequest {
  id: number;
  organisationId: string;
  deviceId: string;
  publicKey: KeyObject;
  firstSeq: bigint;
  chainHead: Uint8Array;
  signature: Uint8Array;
  entries: Packed;
  privateSeqs: bigint[];
  privateParts: Packed;
}

export type VerifyReply =
  | { id: number; batch: VerifiedBatch }
  | {
      id: number;
      refusal: { code: ErrorCode; message: string; hint?: string; details?: Record<string, unknown> };
    };

/** @returns the message, and what of it is handed over instead of copied */
export function requestOf(id: number, batch: EventBatch, owner: BatchOwner): [VerifyRequest, ArrayBuffer[]] {
  const entries = pack(batch.entries);
  const privateParts = pack(batch.privateParts.map(({ content }) => content));
  const { organisationId, deviceId, publicKey } = owner;
  const request: VerifyRequest = {
    id,
    organisationId,
    deviceId,
    publicKey,
    firstSeq: batch.firstSeq,
    chainHead: Uint8Array.from(batch.chainHead),
    signature: Uint8Array.from(batch.signature),
    entries,
    privateSeqs: batch.privateParts.map(({ seq }) => seq),
    privateParts,
  };
  return [
    request,
    [entries.bytes.buffer, entries.ends.buffer, privateParts.bytes.buffer, privateParts.ends.buffer],
  ];
}

export function batchOf(request: VerifyRequest): EventBatch {
  const contents = unpack(request.privateParts);
  return {
    firstSeq: request.firstSeq,
    chainHead: asBuffer(request.chainHead),
    signature: asBuffer(request.signature),
    entries: unpack(request.entries),
    privateParts: request.privateSeqs.map((seq, index) => ({
      seq,
      content: contents[index] ?? Buffer.alloc(0),
    })),
  };
}

/** An error as plain data: one of ours keeps its code, its words and its facts. */
export function refusalOf(error: unknown): Extract<VerifyReply, { refusal: unknown }>['refusal'] {
  if (!(error instanceof RaypherError)) {
    return { code: 'internal/unexpected', message: error instanceof Error ? error.message : String(error) };
  }
  const { code, message, hint, details } = error;
  return {
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(details === undefined ? {} : { details }),
  };
}

function pack(pieces: readonly Uint8Array[]): Packed {
  const ends = new Uint32Array(pieces.length);
  let end = 0;
  for (const [index, piece] of pieces.entries()) {
    end += piece.length;
    ends[index] = end;
  }
  const bytes = new Uint8Array(end);
  for (const [index, piece] of pieces.entries()) bytes.set(piece, (ends[index] ?? 0) - piece.length);
  return { bytes, ends };
}

function unpack({ bytes, ends }: Packed): Buffer[] {
  let start = 0;
  return Array.from(ends, (end) => {
    const piece = asBuffer(bytes.subarray(start, end));
    start = end;
    return piece;
  });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
