/** DNS names are at most 253 characters (RFC 1035 §2.3.4, without the root dot). */
const MAX_HOST_LENGTH = 253;
/** Percent-encoding and Unicode make the written form longer than the name; anything beyond this is noise. */
const MAX_WRITTEN_LENGTH = 1024;

/** Already canonical: the last label starts with a letter, so it cannot be a number, hence no IPv4 form. */
const CANONICAL_NAME = /^(?:[a-z0-9_-]{1,63}\.)*[a-z_][a-z0-9_-]{0,62}$/;
const NAME_OR_IPV4 = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
/** Would end the host part of a URL, or be dropped by the URL parser without a word. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
const NEVER_IN_A_HOST = /[\u0000-\u0020\u007f/\\?#@*]/;
const IPV4_MAPPED = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/;

/**
 * The one spelling of a host that rules are matched against: lower case, without the root dot, IDNA applied,
 * IPv4 in dotted decimal whatever base it was written in, IPv6 compressed and in brackets, and an
 * IPv4-mapped address as the IPv4 address it reaches. Follows the WHATWG URL host parser, which is also what
 * HTTP clients use. Connect to the result, never to what the client wrote.
 *
 * @returns `undefined` when it is not a host at all.
 * @example normaliseHost('API.DeepSeek.com.')   // 'api.deepseek.com'
 * @example normaliseHost('0x7f.1')              // '127.0.0.1'
 * @example normaliseHost('::ffff:127.0.0.1')    // '127.0.0.1'
 */
export function normaliseHost(written: string): string | undefined {
  if (written.length <= MAX_HOST_LENGTH && CANONICAL_NAME.test(written) && !written.includes('xn--')) {
    return written;
  }
  if (written.length > MAX_WRITTEN_LENGTH || NEVER_IN_A_HOST.test(written)) return undefined;
  const bracketed = bracketIpv6(written);
  if (bracketed === undefined) return undefined;
  const url = URL.parse(`http://${bracketed}/`);
  if (url === null) return undefined;
  return url.hostname.startsWith('[') ? canonicalIpv6(url.hostname) : canonicalName(url.hostname);
}

/** True for the canonical form of an IP address (v4 or v6), as {@link normaliseHost} returns it. */
export function isIpAddress(host: string): boolean {
  return host.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

function bracketIpv6(written: string): string | undefined {
  if (written.startsWith('[')) return written.endsWith(']') ? written : undefined;
  const firstColon = written.indexOf(':');
  if (firstColon === -1) return written;
  // One colon is a port, which is not part of a host.
  return written.indexOf(':', firstColon + 1) === -1 ? undefined : `[${written}]`;
}

function canonicalName(hostname: string): string | undefined {
  const name = hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
  return name.length <= MAX_HOST_LENGTH && NAME_OR_IPV4.test(name) ? name : undefined;
}

function canonicalIpv6(hostname: string): string {
  const mapped = IPV4_MAPPED.exec(hostname);
  if (mapped === null) return hostname;
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
