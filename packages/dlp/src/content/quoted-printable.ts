import { byteString } from './charset.ts';

/** Undoes quoted-printable (RFC 2045 §6.7). @returns one character per byte */
export function decodeQuotedPrintable(text: string): string {
  return text
    .replace(/[ \t]{0,76}=[ \t]{0,76}\r?\n/g, '')
    .replace(/=([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** Writes bytes so that every line is at most 76 characters long. */
export function encodeQuotedPrintable(bytes: Uint8Array): string {
  const encoded = byteString(bytes).replace(/[^\x20-\x3c\x3e-\x7e\r\n]/g, (unit) => {
    return `=${unit.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
  return encoded.replace(/[^\r\n]{73}(?=[^\r\n]{4})/g, (line) => {
    const cut = /=[0-9A-F]?$/.exec(line)?.index ?? line.length;
    return `${line.slice(0, cut)}=\r\n${line.slice(cut)}`;
  });
}
