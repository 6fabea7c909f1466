/**
 * How far a compressed body is unpacked before it is inspected; the caller does the unpacking. A body beyond a limit
 * has not been looked at and must be treated as such: refused where policies are enforced.
 */
export const INFLATE_LIMITS = {
  /** Unpacked size, bytes; larger than any request the providers accept. */
  maxBytes: 64 << 20,
  /** Unpacked to packed size, looked at from 1 MiB on; deflate itself ends at 1,032. */
  maxRatio: 200,
  /** Codings in a row in one `content-encoding` header. */
  maxLayers: 2,
} as const;
