export interface ArtefactText {
  bytes: Uint8Array<ArrayBuffer>;
  /** What a person can read of it; null: nothing. */
  text: string | null;
  /** The text lies inside a signed file. */
  signed: boolean;
}

/**
 * Reads an artefact. A signed configuration profile is binary (CMS, RFC 5652) with its property list unencrypted
 * inside: that list is what can be read of it.
 *
 * @param content Base64
 */
export function readArtefact(content: string): ArtefactText {
  const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  const whole = decode(bytes);
  if (whole !== null) return { bytes, text: whole, signed: false };
  const start = indexOf(bytes, '<?xml', 0);
  const end = start === -1 ? -1 : indexOf(bytes, '</plist>', start);
  if (end === -1) return { bytes, text: null, signed: false };
  return { bytes, text: decode(bytes.subarray(start, end + '</plist>'.length)), signed: true };
}

/**
 * The text without the token in it, for a screen that others may see.
 *
 * @example hideToken('token=v1.a.b.c', 'v1.a.b.c') // "token=••••••••"
 */
export function hideToken(text: string, token: string): string {
  return token === '' ? text : text.replaceAll(token, HIDDEN);
}

export const HIDDEN = '••••••••';

function decode(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

function indexOf(bytes: Uint8Array, text: string, from: number): number {
  const wanted = new TextEncoder().encode(text);
  for (let at = from; at <= bytes.length - wanted.length; at += 1) {
    if (wanted.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}
