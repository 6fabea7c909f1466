/**
 * The server name in the first bytes of a TLS connection (RFC 8446 §4.1.2, RFC 6066 §3).
 *
 * A tunnel to an address could carry a connection to any name behind it; the name in the handshake says
 * which one, in the clear.
 *
 * @returns the name; `undefined` when the bytes are TLS without a readable name or not TLS at all;
 *   `'incomplete'` when more bytes are needed to tell; {@link UNREADABLE} when it is longer than any real one
 */
export function serverName(bytes: Buffer): string | undefined | 'incomplete' {
  if (bytes.length < 1) return 'incomplete';
  if (bytes[0] !== 0x16) return undefined;
  const handshake = joinRecords(bytes);
  const more = bytes.length > MAX_RECORDS ? UNREADABLE : 'incomplete';
  if (handshake === undefined || handshake.length < 4) return more;
  if (handshake[0] !== 0x01) return undefined;
  const length = handshake.readUIntBE(1, 3);
  if (length > MAX_HELLO) return UNREADABLE;
  if (handshake.length < 4 + length) return more;
  try {
    return nameInHello(handshake.subarray(4, 4 + length));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Hellos with post-quantum keys are about 2 kB; this leaves room. */
const MAX_HELLO = 32 * 1024;
/** The same, cut into records of a few bytes each. */
const MAX_RECORDS = 8 * MAX_HELLO;

/** Stands for a name that somebody took pains to hide. It is no host name, so nothing permits it. */
export const UNREADABLE = '(unreadable server name)';

/** The handshake bytes of as many whole records as there are. */
function joinRecords(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 5 <= bytes.length) {
    if (bytes[at] !== 0x16) break;
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    // A record that is still arriving holds the beginning of what is needed.
    parts.push(bytes.subarray(at + 5, Math.min(end, bytes.length)));
    at = end;
  }
  return parts.length === 0 ? undefined : Buffer.concat(parts);
}

function nameInHello(hello: Buffer): string | undefined {
  // legacy_version and random
  let at = 2 + 32;
  // session id, cipher suites, compression methods
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  const end = at + 2 + hello.readUInt16BE(at);
  at += 2;
  while (at + 4 <= end) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    // server_name; its list has one entry of type host_name (0).
    if (type === 0 && hello.readUInt8(at + 6) === 0) {
      const size = hello.readUInt16BE(at + 7);
      return hello.toString('latin1', at + 9, at + 9 + size).toLowerCase();
    }
    at += 4 + length;
  }
  return undefined;
}
