import { createHash } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import { sized, uint16, WireReader } from '@raypher/shared/attestation';
import type { WrappedObject } from '../../native/tss2-objects.ts';
import type { Pcrs } from './pcrs.ts';

const MAGIC = Buffer.from('RPHSEAL\x01', 'latin1');
const SHA256_BYTES = 32;

/** Data sealed to a TPM, with what it takes to say why it cannot be unsealed. Nothing in it is secret. */
export interface SealedBlob extends WrappedObject {
  /** SHA-256 over the endorsement key's public area, hex: of which TPM. */
  fingerprint: string;
  /** The name of the storage key that it is wrapped with. */
  parent: Buffer;
  /** What PCRs must be; empty: whatever they are. */
  pcrs: Pcrs;
}

/** The format, its version 1, the parts, and a checksum that tells damage from another TPM's data. */
export function encodeSealed({ fingerprint, parent, pcrs, publicArea, privateArea }: SealedBlob): Buffer {
  const values = [...pcrs].map(([pcr, value]) => Buffer.concat([uint16(pcr), sized(value)]));
  const content = Buffer.concat([
    MAGIC,
    ...[Buffer.from(fingerprint, 'hex'), parent, publicArea, privateArea].map(sized),
    ...[uint16(values.length), ...values],
  ]);
  return Buffer.concat([content, sha256(content)]);
}

/** @throws RaypherError `vault/damaged` */
export function decodeSealed(blob: Buffer): SealedBlob {
  const content = blob.subarray(0, -SHA256_BYTES);
  const isWhole = blob.length > SHA256_BYTES && sha256(content).equals(blob.subarray(-SHA256_BYTES));
  if (!isWhole || !content.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged();
  const reader = new WireReader(content.subarray(MAGIC.length));
  try {
    const fingerprint = reader.sized().toString('hex');
    const [parent, publicArea, privateArea] = [reader.sized(), reader.sized(), reader.sized()];
    const pcrs = new Map<number, Buffer>();
    for (let left = reader.uint16(); left > 0; left -= 1) pcrs.set(reader.uint16(), reader.sized());
    reader.end();
    return { fingerprint, parent, publicArea, privateArea, pcrs };
  } catch (cause) {
    throw damaged(cause);
  }
}

/** What is here is not what was sealed. */
export function damaged(cause?: unknown): RaypherError {
  return new RaypherError('vault/damaged', 'What was sealed to the TPM is damaged.', {
    hint: 'Restore the data folder from a backup, or reset the vault with `raypher vault reset` and seal again.',
    cause,
  });
}

function sha256(content: Buffer): Buffer {
  return createHash('sha256').update(content).digest();
}
