/**
 * The bytes of a text in base64 (RFC 4648 §4).
 *
 * @throws Error when it is not the one text that these bytes have
 */
export function fromBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new Error('not base64, or not the only one of its bytes');
  return bytes;
}
