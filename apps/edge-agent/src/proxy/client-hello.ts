/** What a TLS client says about where it wants to go, in the clear. */
export interface ClientHello {
  /** Lower case, as it was written; undefined where there is none. */
  serverName: string | undefined;
  /** Application protocols it offers (RFC 7301); undefined where it offers none. */
  protocols: readonly string[] | undefined;
}

/**
 * Reads the first bytes of a connection (RFC 8446 §4.1.2, RFC 6066 §3).
 *
 * A tunnel to an address could carry a connection to any name behind it; the name in the handshake says which one.
 *
 * @returns `'not-tls'` also for TLS that is damaged; `'incomplete'` when more bytes are needed to tell;
 *   `'unreadable'` when the hello is longer than any real one
 */
export function readHello(bytes: Buffer): ClientHello | 'not-tls' | 'incomplete' | 'unreadable' {
  if (bytes.length < 1) return 'incomplete';
  if (bytes[0] !== 0x16) return 'not-tls';
  const handshake = joinRecords(bytes);
  const more = bytes.length > MAX_RECORDS ? 'unreadable' : 'incomplete';
  if (handshake === undefined || handshake.length < 4) return more;
  if (handshake[0] !== 0x01) return 'not-tls';
  const length = handshake.readUIntBE(1, 3);
  if (length > MAX_HELLO) return 'unreadable';
  if (handshake.length < 4 + length) return more;
  try {
    return extensionsOf(handshake.subarray(4, 4 + length));
  } catch (error) {
    if (error instanceof RangeError) return 'not-tls';
    throw error;
  }
}

/**
 * The server name alone.
 *
 * @returns the name; `undefined` when the bytes are TLS without a readable name or not TLS at all;
 *   `'incomplete'` when more bytes are needed to tell; {@link UNREADABLE} when it is longer than any real one
 */
export function serverName(bytes: Buffer): string | undefined | 'incomplete' {
  const hello = readHello(bytes);
  if (hello === 'incomplete') return hello;
  if (hello === 'unreadable') return UNREADABLE;
  return hello === 'not-tls' ? undefined : hello.serverName;
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

function extensionsOf(hello: Buffer): ClientHello {
  // legacy_version and random
  let at = 2 + 32;
  // session id, cipher suites, compression methods
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  const found: ClientHello = { serverName: undefined, protocols: undefined };
  // Before TLS 1.2, extensions were optional.
  if (at === hello.length) return found;
  const end = at + 2 + hello.readUInt16BE(at);
  at += 2;
  while (at + 4 <= end) {
    const type = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    // server_name; its list has one entry of type host_name (0).
    if (type === 0 && hello.readUInt8(at + 6) === 0) {
      const size = hello.readUInt16BE(at + 7);
      found.serverName ??= hello.toString('latin1', at + 9, at + 9 + size).toLowerCase();
    }
    // application_layer_protocol_negotiation
    if (type === 16) found.protocols ??= protocolNames(hello.subarray(at + 6, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

function protocolNames(list: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at < list.length; at += 1 + list.readUInt8(at)) {
    names.push(list.toString('latin1', at + 1, at + 1 + list.readUInt8(at)));
  }
  return names;
}
