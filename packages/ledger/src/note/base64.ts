const STANDARD = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** What is left over in the last character must be zero (RFC 4648 §3.5): four bits before `==`, two before `=`. */
const ZERO_BITS = /(?:[^=]|[AQgw]==|[AEIMQUYcgkosw048]=)$/;

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  // In pieces: a call has a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 8_192) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  }
  return btoa(binary);
}

/** Whether a text is base64, and the only one of its bytes. */
export function isBase64(text: string): boolean {
  return STANDARD.test(text) && (text === '' || ZERO_BITS.test(text));
}

/** The bytes, or undefined when the text is not exactly what they are written as: one text for one value. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!isBase64(text)) return undefined;
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
