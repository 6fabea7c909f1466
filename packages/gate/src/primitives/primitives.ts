/** The cryptography that the gate is built on; one implementation runs anywhere, one uses Node's. */
export interface Primitives {
  /** SHA-256 of a text in UTF-8, as 64 lower-case hex digits. */
  sha256Hex(text: string): string;
  /** HMAC-SHA-256 (RFC 2104) under one secret: of a text in UTF-8, as 64 lower-case hex digits. */
  keyedHash(secret: Uint8Array): (text: string) => string;
  /** Whether two ASCII texts are equal, in time that depends on their lengths only. */
  constantTimeEqual(left: string, right: string): boolean;
  /** Unpredictable bytes as lower-case hex digits. */
  randomHex(bytes: number): string;
}
