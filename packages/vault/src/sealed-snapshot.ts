import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { ForensicPublicKey } from './forensic-key.ts';
import { bytesOf, fromBase64url, point, suite, toBase64url } from './hpke.ts';
import type { VaultKey } from './sealed-secret.ts';

const text = new TextEncoder();
/** Keeps snapshots apart from every other use of the same kind of key. */
const INFO = text.encode('raypher/forensics/v1');
const MAGIC = 'RAYPHER-SNAPSHOT/1\n';
/** The header of one line, with what follows it left out. */
const MAX_HEADER_BYTES = 4096;
const LINE_FEED = 0x0a;

/** What everybody may know of a snapshot; authenticated with it. */
export const SnapshotAbout = z.strictObject({
  panic: z.uuid(),
  organisation: z.uuid(),
  device: z.uuid(),
  at: z.iso.datetime(),
  /** Who can open it: see ForensicKeyFile. */
  recipient: z.enum(['organisation', 'machine']),
});
export type SnapshotAbout = z.infer<typeof SnapshotAbout>;

const Header = z.strictObject({
  v: z.literal(1),
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  enc: z
    .string()
    .regex(/^[A-Za-z0-9_-]+$/)
    .length(87),
  about: SnapshotAbout,
});
type Header = z.infer<typeof Header>;

/** A sealed snapshot is taken for what it is: `damaged` for no snapshot, `other-key`, `changed` for one that was altered. */
export class SnapshotFault extends Error {
  override readonly name = 'SnapshotFault';
  readonly kind: 'damaged' | 'other-key' | 'changed';
  /** Of the key that opens it, where that is known. */
  readonly keyId: string | undefined;

  constructor(kind: SnapshotFault['kind'], message: string, keyId?: string) {
    super(message);
    this.kind = kind;
    this.keyId = keyId;
  }
}

/**
 * Encrypts a snapshot (RFC 9180, base mode) so that only the holder of the secret key opens it.
 *
 * @returns a file: a line that names the format, a line of JSON, and the ciphertext
 * @throws Error for a public key that is none
 */
export async function sealSnapshot(
  { keyId, publicKey }: ForensicPublicKey,
  about: SnapshotAbout,
  content: Uint8Array,
): Promise<Uint8Array> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(bytesOf(point(fromBase64url(publicKey))));
  const sealed = await suite.seal(
    { recipientPublicKey, info: INFO },
    bytesOf(content),
    bytesOf(associatedData(keyId, about)),
  );
  const header: Header = { v: 1, keyId, enc: toBase64url(new Uint8Array(sealed.enc)), about };
  const head = text.encode(`${MAGIC}${canonicalize(header)}\n`);
  const file = new Uint8Array(head.length + sealed.ct.byteLength);
  file.set(head);
  file.set(new Uint8Array(sealed.ct), head.length);
  return file;
}

/** Reads what everybody may know of a sealed snapshot. @throws SnapshotFault `damaged` */
export function describeSnapshot(file: Uint8Array): { about: SnapshotAbout; keyId: string } {
  const { about, keyId } = parse(file).header;
  return { about, keyId };
}

/** @throws SnapshotFault */
export async function openSnapshot(
  key: VaultKey,
  file: Uint8Array,
): Promise<{ about: SnapshotAbout; content: Uint8Array }> {
  const { header, ciphertext } = parse(file);
  const { keyId, enc, about } = header;
  if (keyId !== key.keyId) {
    throw new SnapshotFault(
      'other-key',
      `The snapshot is sealed to the key ${keyId}, this is ${key.keyId}.`,
      keyId,
    );
  }
  try {
    const content = await suite.open(
      { recipientKey: key.keyPair, enc: bytesOf(fromBase64url(enc)), info: INFO },
      bytesOf(ciphertext),
      bytesOf(associatedData(keyId, about)),
    );
    return { about, content: new Uint8Array(content) };
  } catch {
    // What the library throws says no more than that the tag does not fit.
    throw new SnapshotFault('changed', 'The snapshot was changed after it was sealed.', keyId);
  }
}

function parse(file: Uint8Array): { header: Header; ciphertext: Uint8Array } {
  const start = MAGIC.length;
  const decoder = new TextDecoder();
  const end = file.subarray(0, start + MAX_HEADER_BYTES).indexOf(LINE_FEED, start);
  if (decoder.decode(file.subarray(0, start)) !== MAGIC || end < 0) throw noSnapshot();
  const parsed = Header.safeParse(parseJson(decoder.decode(file.subarray(start, end))));
  if (!parsed.success) throw noSnapshot();
  return { header: parsed.data, ciphertext: file.subarray(end + 1) };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function noSnapshot(): SnapshotFault {
  return new SnapshotFault('damaged', 'This is no sealed snapshot.');
}

function associatedData(keyId: string, about: SnapshotAbout): Uint8Array {
  return text.encode(canonicalize({ v: 1, kind: 'snapshot', keyId, about }));
}
