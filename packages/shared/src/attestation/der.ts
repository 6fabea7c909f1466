/** One value of DER (X.690 §8.1): its tag, what is in it, and all of its bytes. */
export interface DerValue {
  tag: number;
  content: Buffer;
  whole: Buffer;
}

export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
} as const;

/** The value at the start of some bytes; what follows it is left alone. @throws RangeError when it is cut off */
export function readDer(bytes: Buffer): DerValue {
  const tag = bytes.at(0);
  const first = bytes.at(1);
  if (tag === undefined || first === undefined) throw new RangeError('A DER value is cut off.');
  // Nothing in a certificate has a tag number above 30.
  if ((tag & 0x1f) === 0x1f) throw new RangeError('A DER tag of several bytes.');
  const { length, header } = readLength(bytes, first);
  const end = header + length;
  if (end > bytes.length) throw new RangeError('A DER value is cut off.');
  return { tag, content: bytes.subarray(header, end), whole: bytes.subarray(0, end) };
}

function readLength(bytes: Buffer, first: number): { length: number; header: number } {
  if (first < 0x80) return { length: first, header: 2 };
  const size = first & 0x7f;
  if (size === 0 || size > 3 || bytes.length < 2 + size) throw new RangeError('A DER length is not usable.');
  return { length: bytes.readUIntBE(2, size), header: 2 + size };
}

/** The values inside one, at most 64 of them. @throws RangeError */
export function readDerList(content: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let rest = content; rest.length > 0; ) {
    const value = readDer(rest);
    values.push(value);
    if (values.length > 64) throw new RangeError('A DER sequence is too long.');
    rest = rest.subarray(value.whole.length);
  }
  return values;
}

/** `2.5.29.19` from the content of an OBJECT IDENTIFIER (X.690 §8.19). @throws RangeError */
export function readOid(content: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new RangeError('An object identifier is too large.');
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [head = 0, ...others] = arcs;
  const root = Math.min(Math.floor(head / 40), 2);
  return [root, head - root * 40, ...others].join('.');
}
