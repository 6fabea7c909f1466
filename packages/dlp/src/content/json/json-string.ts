const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
const HEX = /^[0-9a-fA-F]{4}$/;

/** What one escape sequence stands for and how many units it takes. */
function readEscape(raw: string, at: number): { text: string; length: number } {
  const letter = raw[at + 1];
  // A lone backslash at the end of a string that was cut off.
  if (letter === undefined) return { text: '\\', length: 1 };
  if (letter === 'u') {
    const digits = raw.slice(at + 2, at + 6);
    return HEX.test(digits)
      ? { text: String.fromCharCode(Number.parseInt(digits, 16)), length: 6 }
      : { text: 'u', length: 2 };
  }
  // Also escapes that RFC 8259 does not know (`\x`): decoders that are lenient read the letter.
  return { text: ESCAPES[letter] ?? letter, length: 2 };
}

/** @param raw what stands between the quotes of a JSON string (RFC 8259 §7); never throws */
export function decodeJsonString(raw: string): string {
  if (!raw.includes('\\')) return raw;
  let text = '';
  let at = 0;
  for (let next = raw.indexOf('\\'); next !== -1; next = raw.indexOf('\\', at)) {
    const sequence = readEscape(raw, next);
    text += raw.slice(at, next) + sequence.text;
    at = next + sequence.length;
  }
  return text + raw.slice(at);
}

/** For each unit of the decoded text its place in `raw`, and one more for the end. */
export function jsonStringOffsets(raw: string): (offset: number) => number {
  if (!raw.includes('\\')) return (offset) => offset;
  const offsets: number[] = [];
  for (let at = 0; at < raw.length; ) {
    offsets.push(at);
    at += raw[at] === '\\' ? readEscape(raw, at).length : 1;
  }
  offsets.push(raw.length);
  return (offset) => offsets[offset] ?? raw.length;
}

/** Writes text so that it may stand between the quotes of a JSON string. */
export function escapeJsonString(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Length of an escape sequence at the end that is not complete yet (`\`, `\u00`); 0 when there is none. */
export function cutEscape(raw: string): number {
  const slash = raw.slice(-5).search(/\\(?:u[0-9a-fA-F]{0,3})?$/);
  if (slash === -1) return 0;
  const length = Math.min(5, raw.length) - slash;
  let backslashes = 0;
  while (raw[raw.length - length - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 0 ? length : 0;
}
